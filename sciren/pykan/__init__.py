"""Exchange with pykan: its models and files in, ours out; nothing of it is left behind.

pykan itself is imported only where a model of its own is built (`to_pykan`), never for
reading. Names resolve on first use, so that importing the package loads no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.pykan.convert import from_pykan as from_pykan
    from sciren.pykan.convert import obstacles as obstacles
    from sciren.pykan.encoder import PykanEncoder as PykanEncoder
    from sciren.pykan.export import to_pykan as to_pykan
    from sciren.pykan.layer import KANLayer as KANLayer
    from sciren.pykan.quiet import contained as contained
    from sciren.pykan.reader import read_pykan as read_pykan
    from sciren.pykan.refit import refitted as refitted

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
