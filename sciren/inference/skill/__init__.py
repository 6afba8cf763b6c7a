"""Whether a model predicts rows that chose nothing in it, and what is missing in it."""

from sciren.inference.skill.held_out import HeldOut as HeldOut
from sciren.inference.skill.held_out import Skill as Skill
from sciren.inference.skill.held_out import skill_of_selection as skill_of_selection
from sciren.inference.skill.missing import MissingPart as MissingPart
from sciren.inference.skill.missing import missing_part as missing_part
from sciren.inference.skill.paired import PairedTest as PairedTest
from sciren.inference.skill.paired import paired_test as paired_test
