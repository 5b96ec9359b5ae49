"""eslabon.toml: what the operator wrote, as frozen values, with every mistake told at once.

``sections`` says what may be written, ``lines`` where it stands, ``shape`` checks it against
the generated schema, ``checks`` holds the parts against each other, and ``loading`` is the way
in: `connector.settings.loading.load_settings`.
"""
