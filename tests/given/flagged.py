"""Texts that hold parameters, or nearly."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            [
                *("--", "—", "–", "-", " --ar ", "3:2", "--no ", '"', "“", "”", "{", "}", "<", ">"),
                *(
                    "a cat",
                    ", ",
                    "\n",
                    "--seed=5",
                    "--style ",
                    "ink",
                    "::2",
                    "Steps: 20",
                    ": ",
                    "猫",
                ),
            ]
        ),
    ),
    max_size=14,
).map("".join)
