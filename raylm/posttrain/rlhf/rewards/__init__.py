"""The parts of a reward, each a small file registered by name, and how a recipe's weights put them together.

A program's check looks at the answer alone (`Answer`), so no model can flatter it; the reward model's score is computed by its
own process and arrives as a number. To add a part: write its file here, register it, and import it below.
"""

from raylm.posttrain.rlhf.rewards import ends, parses, varied
from raylm.posttrain.rlhf.rewards.registry import CHECKS, MODEL, Answer, chosen_rewards, compose

__all__ = ["CHECKS", "MODEL", "Answer", "chosen_rewards", "compose", "ends", "parses", "varied"]
