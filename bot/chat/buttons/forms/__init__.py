"""The forms (modals).  As with buttons, all that one knows stands in its ids.

    atelier:form:edit:<picture>              ✏️  the words and settings of a picture
    atelier:form:meant:<picture>             ✏️  what a reply was understood as, put right
    atelier:form:preset:<picture>            💾  a name for its settings
    atelier:form:start:<channel>:<message>   Apps, Start from this picture

discord.py remembers each form that it has sent until it is filled in, and forgets all of them when
it ends.  Ours are not remembered: what comes in is read by `table`, so a form that was opened
before a restart, and filled in after it, works.
"""
