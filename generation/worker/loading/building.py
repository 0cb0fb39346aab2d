"""One thread at a time builds modules.

While diffusers, transformers and accelerate build one, they replace parts of torch.nn for the whole
process: a module that another thread builds meanwhile could stay without numbers.  The lock is held
for one part of a model at a time, so nobody waits for a whole checkpoint.
"""

from __future__ import annotations

import threading

BUILDING = threading.RLock()
