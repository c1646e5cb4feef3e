"""A balancer: one application that forwards to several backends."""

from ._app import Balancer as Balancer
from ._backends import Backend as Backend
from ._health import HealthCheck as HealthCheck
