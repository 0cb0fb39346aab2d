"""`make soak`: a day of the studio in a quarter of an hour, and what it left behind.

    town       the simulated Discord: two servers, six channels, fifty people
    people     what they do, by day and by night
    mishaps    a killed worker, a locked database, a Discord that fails
    witness    writes down what the channels show
    gauges     the loop's lateness, memory at rest, the log
    audit      who was told something, against what was posted and what is stored
    verdict    the figures and their targets

The bot, its worker process, the database and the pictures are the real ones.  The bot's process
holds the simulated Discord and the people as well, so lateness and memory include them.

Invariant: the verdict comes from outside the bot: from messages, rows, files and the system.
"""
