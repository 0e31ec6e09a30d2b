"""Hypothesis strategies that several test files share."""

import base64

from hypothesis import strategies as st

IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=",."), min_size=1, max_size=256)
KEYS = st.binary(min_size=24, max_size=75).map(lambda key: "whsec_" + base64.b64encode(key).decode())

#: Any JSON. Few items per level: without that, Hypothesis exceeds max_leaves and retries more than half of the time.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
