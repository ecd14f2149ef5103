"""What the pages in examples/pages say: templates with texts of their own and the plain look."""

from __future__ import annotations

from collections.abc import Mapping

from agent.data.kinds import Contents

SHIPPED: Mapping[str, Contents] = {
    "greet": {"title": "Greeting", "fields": ["Your name"], "button": "Send", "before": "Hello, ", "after": ""},
    "sign-in": {
        "title": "Sign in",
        "fields": ["User", "Password"],
        "button": "Sign in",
        "before": "Welcome, ",
        "after": "",
    },
    "settings": {
        "title": "Settings",
        "boxes": ["Sound", "Large text", "Night colours", "Updates"],
        "button": "Save",
        "before": "Saved: ",
        "empty": "nothing",
    },
    "menu": {
        "title": "Lunch",
        "choices": ["Tomato soup", "Green salad", "Cheese toast", "Rice pudding"],
        "buttons": False,
        "before": "You chose ",
        "after": "",
    },
    "confirm": {
        "title": "Holiday photos",
        "text": "Twelve pictures, two films",
        "opener": "Delete",
        "question": "Delete all of them?",
        "answers": ["Delete", "Keep", "Ask later"],
        "before": "You said ",
        "after": "",
        "asked": False,
        "top": 50,
        "shade": 20,
    },
    "tabs": {
        "title": "Old radio",
        "tabs": ["Music", "Talk", "Alarm"],
        "active": 0,
        "texts": ["Songs of the harbour", "Two voices at night", "Wakes you at seven"],
        "actions": ["Play", "Listen", "Snooze"],
        "before": "You pressed ",
        "after": "",
    },
    "poll": {
        "title": "Club evening",
        "question": "What shall we do?",
        "choices": ["Bowling", "Chess match", "Night walk", "Karaoke"],
        "button": "Vote",
        "before": "You voted for ",
        "after": "",
    },
    "search": {
        "title": "Library",
        "field": "Title",
        "button": "Search",
        "items": ["Whale songs", "Whale watching", "Desert songs", "Glacier walks", "Desert kitchens", "Glacier birds"],
        "empty": "Nothing found",
        "before": "You opened ",
        "after": "",
    },
    "basket": {
        "title": "Bakery",
        "items": ["Rye loaf", "Plum tart", "Oat biscuit", "Poppy roll"],
        "on": "Add",
        "off": "Remove",
        "before": "In the basket: ",
        "empty": "nothing",
        "spread": "space-between",
        "mark": "font-weight: bold;",
    },
    "counter": {
        "title": "Ferry tickets",
        "items": ["Adults", "Children"],
        "counts": [1, 0],
        "button": "Book",
        "before": "Booked: ",
        "spread": "1",
    },
}
