"""What a LoRA file holds, told from the names, shapes and settings in its head.

    layers     the layers of the model families, with their shapes
    names      a tensor's name, in whichever spelling -> part, layer and role
    settings   what the file says of its own strength in its metadata
    strangers  whose LoRA it is when it is for a family that cannot be drawn yet
    plan       all of it: which tensors change which layer, and how
    kin        the family whose layers they are

Catalog and worker read a file by the same `read_plan`, so what is listed can be drawn.  The
invariant: every tensor of a file is in its plan, or the file is refused with the tensor's name.
"""
