"""A step of browser-use on a page with a model that answers at once: a line in is a step, its seconds are a line out.

Run by an interpreter that has it. Arguments: the browser's executable, and the size of the page.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TextIO

from browser_use import Agent, BrowserProfile, BrowserSession, Tools
from browser_use.llm.views import ChatInvokeCompletion
from pydantic import BaseModel

EXECUTABLE = sys.argv[1]
SIZE = {"width": int(sys.argv[4]), "height": int(sys.argv[5])}
CLICK = {"click": {"coordinate_x": int(sys.argv[6]), "coordinate_y": int(sys.argv[7])}}
REPLY = {"thinking": "-", "evaluation_previous_goal": "-", "memory": "-", "next_goal": "-"}


class Ready:
    """A model that has its answer ready."""

    model = name = model_name = provider = "ready"
    _verified_api_keys = True

    async def ainvoke(self, messages: object, output_format: type[BaseModel] | None = None, **more: object) -> object:
        """The click, in the form that is asked for."""
        said = {**REPLY, "action": [self.action]}
        completion = output_format.model_validate(said) if output_format else json.dumps(said)
        return ChatInvokeCompletion(completion=completion, usage=None)

    action: object = CLICK


async def main(answers: TextIO) -> None:
    """Serve steps until standard input ends; an address begins anew."""
    tools, llm = Tools(), Ready()
    tools.set_coordinate_clicking(True)
    profile = BrowserProfile(
        executable_path=EXECUTABLE,
        headless=True,
        chromium_sandbox=False,
        viewport=SIZE,
        enable_default_extensions=False,
    )
    session = BrowserSession(browser_profile=profile)
    await session.start()
    agent = Agent("click", llm=llm, browser_session=session, tools=tools, use_judge=False, max_actions_per_step=1)
    agent.tools.set_coordinate_clicking(True)
    agent._setup_action_models()
    while line := await asyncio.to_thread(sys.stdin.readline):
        order, started = line.strip(), time.perf_counter()
        if order == "step":
            llm.action = CLICK
        else:
            llm.action = {"navigate": {"url": order, "new_tab": False}}
        await agent.step()
        took = time.perf_counter() - started
        failed = [result.error for result in agent.state.last_result or [] if result.error]
        answers.write(json.dumps(failed[0] if failed else took) + "\n")
        answers.flush()
    await session.kill()


if __name__ == "__main__":
    output, sys.stdout = sys.stdout, sys.stderr  # what is logged must not stand among the answers
    asyncio.run(main(output))
