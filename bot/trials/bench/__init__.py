"""`make bench`: what was promised in numbers, measured on this machine.

    drawing      the worker against plain diffusers; the gap between two jobs
    pausing      what a pause costs, and how soon a small job is seen beside a long one
    talking      how late the event loop is, and how late people are answered
    keeping      what the database costs
    queueing     what a decision of the queue costs while a crowd waits
    restarting   how soon a restarted bot draws again while ten thousand jobs wait
    hostile      what a text costs the event loop that was made to cost much

Every figure is "at most".  A target that is a time is stretched by what a fixed piece of work
takes in the same run (`generation.yardstick`), so that a slow or busy machine fails for what is
slow about the program and not about itself.  The one table goes to the screen, the same numbers to
var/bench.json with the machine's name.
"""
