"""HunyuanVideo's attention of film and words, with a mask that is one row long.

The stock processor says for each pair of tokens whether both count, which is a table of many GB for
a film.  Whether a token is looked at is the same for all that look; what those see that do not
count themselves is looked at by nobody.  The invariant: the stock bits of every token that counts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class OneRow:
    """A processor of `diffusers.models.attention_processor.Attention`; it keeps nothing."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor,
        image_rotary_emb: Any,
    ) -> tuple[Tensor, Tensor]:
        from diffusers.models.attention_dispatch import dispatch_attention_fn
        from diffusers.models.embeddings import apply_rotary_emb

        film = [each(hidden_states) for each in (attn.to_q, attn.to_k, attn.to_v)]
        words = [
            each(encoder_hidden_states)
            for each in (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj)
        ]
        film, words = ([one.unflatten(2, (attn.heads, -1)) for one in of] for of in (film, words))
        for nth, norm in enumerate((attn.norm_q, attn.norm_k)):
            film[nth] = apply_rotary_emb(norm(film[nth]), image_rotary_emb, sequence_dim=1)
        for nth, norm in enumerate((attn.norm_added_q, attn.norm_added_k)):
            words[nth] = norm(words[nth])
        query, key, value = (torch.cat(both, dim=1) for both in zip(film, words, strict=True))
        before, count = query.shape[1] - attention_mask.shape[1], words[0].shape[1]
        del film, words
        counts = torch.nn.functional.pad(attention_mask, (before, 0), value=True).bool()
        seen: Tensor = dispatch_attention_fn(
            query, key, value, attn_mask=counts[:, None, None], dropout_p=0.0, is_causal=False
        )
        seen = seen.flatten(2, 3).to(query.dtype)
        shown, said = seen[:, :-count], seen[:, -count:]
        return attn.to_out[1](attn.to_out[0](shown)), attn.to_add_out(said)


def in_one_row(network: Any) -> Any:
    """The network, whose blocks attend so."""
    for block in network.transformer_blocks:
        if not isinstance(block.attn.processor, OneRow):
            block.attn.set_processor(OneRow())
    return network
