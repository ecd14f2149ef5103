# Asks for a name and greets: in the terminal, and in the title of its window.
printf 'What is your name? '
read -r name
printf '\033]2;Hello, %s\007' "$name"
printf 'Hello, %s!\n' "$name"
exec sleep 600
