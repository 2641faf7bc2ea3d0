"""The contract's classes: the generated ones in a component, those of `shapes` elsewhere.

A component has the bindings of its own roles only, so each role's are looked for by themselves.
"""

from typing import TYPE_CHECKING

from .shapes import *  # noqa: F403
from .shapes import PlanValue as PlanValue

if not TYPE_CHECKING:
    try:
        from componentize_py_types import Err, Ok  # noqa: F401
        from wit_world.imports.types import *  # noqa: F403
    except ImportError:
        pass
    try:
        from wit_world.exports.poll import Page, Question, Reply, Step_Ask, Step_Page  # noqa: F401
    except ImportError:
        pass
    try:
        from wit_world.exports.destination import Call, Exchange, Settlement  # noqa: F401
        from wit_world.exports.destination import Plan as PlanValue
    except ImportError:
        pass
