"""Logins: passwords, sessions of users, remembered browsers, and limits for attempts.

Create a `Login` for the application, with a function that finds users. Everything else works on
the current request, sync or async, and on the handshake of a WebSocket.
"""

from __future__ import annotations

from .current import current_user as current_user
from .current import load_current_user as load_current_user
from .entering import login_user as login_user
from .entering import login_user_async as login_user_async
from .entering import logout_user as logout_user
from .entering import logout_user_async as logout_user_async
from .manager import Login as Login
from .memorystore import MemoryRememberStore as MemoryRememberStore
from .passwords import HashCost as HashCost
from .passwords import Verified as Verified
from .passwords import hash_password as hash_password
from .passwords import hash_password_async as hash_password_async
from .passwords import verify_password as verify_password
from .passwords import verify_password_async as verify_password_async
from .requiring import LoginRequired as LoginRequired
from .requiring import fresh_login_required as fresh_login_required
from .requiring import login_required as login_required
from .returning import next_url as next_url
from .series import RememberStore as RememberStore
from .series import Series as Series
from .signals import login_refused as login_refused
from .signals import remember_theft_detected as remember_theft_detected
from .signals import user_logged_in as user_logged_in
from .signals import user_logged_out as user_logged_out
from .signals import user_remembered as user_remembered
from .users import AnonymousUser as AnonymousUser
