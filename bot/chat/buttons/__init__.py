"""The buttons.  Each carries only an id; everything else is in the database.

    atelier:pick:<request>       which of several pictures the buttons are about
    atelier:again:<request>      🎲  the same wish, other seeds
    atelier:subtle:<request>     🔀  another one close by; atelier:strong, not so close
    atelier:upscale:<request>    ⬆️  the same with more pixels
    atelier:zoom:<request>       🔍  more around it
    atelier:edit:<request>       ✏️  a form with its words and settings
    atelier:back:<request>       ↩️  the picture that it was made of by a reply, once more
    atelier:meant:<request>      ✏️  a form with a reply that was understood otherwise
    atelier:recipe:<request>     📄  what decides the pixels, to read and copy
    atelier:preset:<request>     💾  a form with a name for its settings, to draw with them again
    atelier:reproduce:<request>  ♻️  draw it again and compare
    atelier:star:<request>       ⭐  keep it among one's favourites
    atelier:delete:<request>     🗑  take the message and the files away
    atelier:undo:<request>       ↩️  bring back what was deleted less than a minute ago
    atelier:share:<request>      📣  post a private answer for all
    atelier:words:<request>      ✨  the same wish and seeds, other words for it
    atelier:styles:<request>     🎨  the same wish, seeds and wording in another style
    atelier:own:<request>        💬  the same seeds, the person's own words only
    atelier:cancel:<request>     ✋  on a progress message
    atelier:audit:<page>         ◀️ ▶️  another page of a server's log
    atelier:present:<request>:<picture>   📢  a card that one person sees, for all
    atelier:page:<search>:<o|n>:<picture>  ▶️ ◀️  pages of a gallery (`bot.chat.buttons.gallery`)
    atelier:post:<search>:<picture>       📢  such a page, for all
    atelier:open:<search>                 one of its pictures
    atelier:queue                🔄  the waiting line once more, in the same place

Those about one picture end in its number, `atelier:again:<request>:<picture>`, where a result has
several; without one they mean all of them, or the first.  So a button works for ever: after a
restart, an update, or a year; and only where the database knows the message for its request
(`bot.chat.components`).
"""
