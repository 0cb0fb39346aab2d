"""Workers on other machines, reached through Ray.

    bot                                          a node
     Cluster --- lines ---- lookout ---- Ray ---- versions      who is there, and is it like us
     RayWorker - frames --- relay ------ Ray ---- Host - frames - generation.worker
     WeightsServer ----------------- HTTP ------- Cache         weights by digest, once per node

Ray carries and never decides: whose turn it is, what a job costs and when a worker counts as dead
is decided in the bot, as for a worker on this machine.  The invariant: Ray runs in processes of its
own, `lookout` and `relay`.  Ray ends a process that has lost its cluster (after 60 s, with status
1), and that must never be the bot.
"""
