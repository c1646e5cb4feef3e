"""Uploads: sets of files with rules, on a local disk or in an object storage.

The names are Flask-Uploads'; under the alias, ``import flask_uploads`` finds them here.
"""

from ._config import UploadConfiguration as UploadConfiguration
from ._config import addslash as addslash
from ._errors import BadFilename as BadFilename
from ._errors import BadTicket as BadTicket
from ._errors import ChecksumMismatch as ChecksumMismatch
from ._errors import UploadNotAllowed as UploadNotAllowed
from ._errors import UploadTooLarge as UploadTooLarge
from ._groups import ALL as ALL
from ._groups import ARCHIVES as ARCHIVES
from ._groups import AUDIO as AUDIO
from ._groups import DATA as DATA
from ._groups import DEFAULTS as DEFAULTS
from ._groups import DOCUMENTS as DOCUMENTS
from ._groups import EXECUTABLES as EXECUTABLES
from ._groups import IMAGES as IMAGES
from ._groups import SCRIPTS as SCRIPTS
from ._groups import SOURCE as SOURCE
from ._groups import TEXT as TEXT
from ._groups import All as All
from ._groups import AllExcept as AllExcept
from ._groups import extension as extension
from ._groups import lowercase_ext as lowercase_ext
from ._names import safe_name as safe_name
from ._presigned import PresignedUpload as PresignedUpload
from ._serve import uploads_mod as uploads_mod
from ._sets import Check as Check
from ._sets import Saved as Saved
from ._sets import TestingFileStorage as TestingFileStorage
from ._sets import UploadSet as UploadSet
from ._sets import upload_saved as upload_saved
from ._setup import config_for_set as config_for_set
from ._setup import configure_uploads as configure_uploads
from ._setup import patch_request_class as patch_request_class
from ._tus import TusServer as TusServer
