"""What every test may rely on."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Machines that run the tests are shared and slow at times: a deadline would measure them, not us.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
