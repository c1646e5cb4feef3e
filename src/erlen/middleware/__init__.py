"""Middleware: WSGI and ASGI applications around other applications.

Each is called as the server calls it, with WSGI's two arguments or ASGI's three, and calls the
application inside the same way. None needs erlen inside. The libraries that some stand on come
with the extra ``middleware`` and are imported where they are used.
"""

from .balancer import Backend as Backend
from .balancer import Balancer as Balancer
from .balancer import HealthCheck as HealthCheck
from .compress import Compress as Compress
from .dispatcher import Dispatcher as Dispatcher
from .transform import Original as Original
from .transform import Transform as Transform
from .transform import Transformed as Transformed
from .transform import Untransformable as Untransformable
from .xslt import xslt as xslt
