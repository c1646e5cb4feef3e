"""Middleware: WSGI and ASGI applications around other applications.

Each is called as the server calls it, with WSGI's two arguments or ASGI's three, and calls the
application inside the same way. None needs erlen inside. The libraries that some stand on come
with the extra ``middleware`` and are imported where they are used. Werkzeug's, which are for WSGI
alone, are here too.
"""

from werkzeug.middleware.lint import LintMiddleware as LintMiddleware
from werkzeug.middleware.profiler import ProfilerMiddleware as ProfilerMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix as ProxyFix
from werkzeug.middleware.shared_data import SharedDataMiddleware as SharedDataMiddleware

from .balancer import Backend as Backend
from .balancer import Balancer as Balancer
from .balancer import HealthCheck as HealthCheck
from .compress import Compress as Compress
from .cors import CORS as CORS
from .dispatcher import Dispatcher as Dispatcher
from .limits import AllowedClients as AllowedClients
from .limits import AllowedHosts as AllowedHosts
from .limits import SizeLimit as SizeLimit
from .limits import TimeLimit as TimeLimit
from .request_id import RequestId as RequestId
from .request_id import RequestIdFilter as RequestIdFilter
from .request_id import request_id as request_id
from .security import SecurityHeaders as SecurityHeaders
from .security import csp_nonce as csp_nonce
from .transform import Original as Original
from .transform import Transform as Transform
from .transform import Transformed as Transformed
from .transform import Untransformable as Untransformable
from .xslt import xslt as xslt
