"""The loop: look, ask the policy, act, look again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

from actions import ActionError, Answer, AskUser, Finish, ignored
from agent.limits import Limits
from agent.opening import Opening
from agent.policy import Policy, PolicyBroken, Strict, within
from agent.step import Reply, Step, Stop, Trajectory
from env import Environment, EnvironmentBroken, Observation, Recoverable, Task

SHOWN = 5
"""Actions that a warning names."""


def ignore(step: Step) -> None:
    """Take no note of a step."""


def episode(
    env: Environment,
    policy: Policy,
    task: Task,
    *,
    limits: Limits | None = None,
    decided: Callable[[Step], None] = ignore,
    opening: Opening | None = None,
) -> Generator[Step, None, Stop]:
    """Yield each step as it happens, so that the caller can show it, keep it, or stop; return why it ended.

    `decided` is told of a step before its action is carried out, to keep it, or to raise and so prevent it. With an
    `opening` nothing is reset: the episode goes on from there, the policy sees all that was done, and the limits count
    what is new.
    Only `EnvironmentBroken` and `PolicyBroken` become a `Stop`; every other error travels up untouched. After a screen
    that broke in a step, the episode goes on with a fresh one as often as the limits allow; the step tells of it.
    """
    limits = limits or Limits()
    began = limits.clock()
    try:
        opening = opening or Opening(env.reset(task))
        history, known, trail = list(opening.past), len(opening.past), opening.trail
        if opening.finished:
            return Stop("finished", opening.finished.text)
        task = named(task, opening.seen)
        policy = within(policy, env.space)
        seen = warned(opening.seen, *opening.notes(policy), limits.warning(trail))
        while not seen.done:
            if stop := limits.stop(history[known:], began, trail):
                return stop
            step = decide(policy, task, history, seen, limits.clock)
            decided(step)
            step, broken = attempt(env, step, history[known:], limits)
            history.append(step)
            yield step
            if broken:
                raise broken
            if isinstance(step.action, Finish):
                return Stop("finished", step.action.text)
            trail = trail.after(step)
            seen = warned(step.after or seen, limits.warning(trail))
    except EnvironmentBroken as error:
        return Stop("environment", str(error))
    except PolicyBroken as error:
        return Stop("model", str(error))
    return Stop("done", f"reward {seen.reward}")


def named(task: Task, seen: Observation) -> Task:
    """`task` with the screen's own instruction, where it came with none."""
    return replace(task, instruction=task.instruction or seen.instruction)


def warned(seen: Observation, *warnings: str) -> Observation:
    """`seen` with what has to be said of it beside what it shows; itself where nothing has."""
    notes = tuple(warning for warning in warnings if warning)
    return seen if seen.notes == notes else replace(seen, notes=notes)


def decide(policy: Policy, task: Task, history: list[Step], seen: Observation, clock: Callable[[], float]) -> Step:
    """Ask the policy and read what it wrote; its mistake is a step without an action."""
    start = clock()
    frame = policy.frame(seen)
    reply = told(policy.reply(task, tuple(history), seen), policy.dialect.name)
    replied = clock()
    step = Step(len(history) + 1, seen, reply, frame)
    try:
        action = frame.check(policy.dialect.parse(reply.text, frame))
        if isinstance(policy, Strict):
            policy.check(action, history)
        step = replace(step, action=action)
    except ActionError as mistake:
        step = replace(step, error=str(mistake))
    return replace(step, timings={"policy": replied - start, "parse": clock() - replied})


def told(reply: Reply, dialect: str) -> Reply:
    """`reply` with a warning of the actions in it that nobody will carry out."""
    if not (left := ignored(dialect, reply.text)):
        return reply
    shown = ", ".join(left[:SHOWN]) + (" ..." if left[SHOWN:] else "")
    said = f"ignored, as the first action of a reply counts: {len(left)} more ({shown})"
    return replace(reply, warnings=(*reply.warnings, said))


def attempt(env: Environment, step: Step, history: list[Step], limits: Limits) -> tuple[Step, EnvironmentBroken | None]:
    """The step once its action was carried out, and what ends the episode where the screen broke and stays so.

    An action that broke the screen is not done again: the next one is chosen by what the fresh screen shows.
    """
    start = limits.clock()
    try:
        return act(env, step, limits.clock), None
    except EnvironmentBroken as broken:
        failed = replace(step, error=str(broken))
        if not limits.mend(history) or not isinstance(env, Recoverable):
            return failed, broken
        try:
            fresh = env.recover()
        except EnvironmentBroken:
            return failed, broken
    timings = {**step.timings, **fresh.seen.timings, "env": limits.clock() - start}
    return replace(failed, error=f"{failed.error}. {fresh.told}", after=fresh.seen, timings=timings), None


def act(env: Environment, step: Step, clock: Callable[[], float]) -> Step:
    """Carry out the action of `step`; what the screen does not allow costs a step and changes nothing.

    What is said to the user (`Finish`, `Answer`) never reaches the screen.
    """
    if step.action is None or isinstance(step.action, Finish | Answer):
        return step
    if isinstance(step.action, AskUser):
        return replace(step, error="ask_user: nobody is here to answer; go on with what the task says, or finish")
    start = clock()
    try:
        after = env.step(step.action)
    except ActionError as mistake:
        return replace(step, error=str(mistake))
    return replace(step, after=after, timings={**step.timings, **after.timings, "env": clock() - start})


def run(env: Environment, policy: Policy, task: Task, *, limits: Limits | None = None) -> Trajectory:
    """The whole episode at once."""
    steps: list[Step] = []
    turns = episode(env, policy, task, limits=limits)
    while True:
        try:
            steps.append(next(turns))
        except StopIteration as end:
            stop: Stop = end.value
            return Trajectory(named(task, steps[0].before) if steps else task, tuple(steps), stop)
