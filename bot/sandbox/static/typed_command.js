  // Becomes part of SimCord's command picker (bot/sandbox/repairs.py): a command that is typed or
  // pasted in one go.  Behind its name and a blank, the words go into its first option; `count:4`
  // among them goes into the option of that name.
  function takeTyped(typed) {
    const line = typed.replace(/\s+/g, " ");
    const entry = (catalog?.entries || [])
      .filter((one) => line.startsWith(`${one.invocation} `))
      .sort((a, b) => b.invocation.length - a.invocation.length)[0];
    if (!entry) return false;
    const rest = line.slice(entry.invocation.length).trim();
    select(entry);
    if (rest) fillIn(entry, rest);
    return true;
  }
  function fillIn(entry, rest) {
    const first = entry.options.find((option) => option.required) || entry.options[0];
    const said = [[first, []]];
    for (const word of rest.split(" ")) {
      const [, name, value] = /^([a-z_]+):(.*)$/.exec(word) || [];
      const option = name && entry.options.find((one) => one.name === name);
      if (option) said.push([option, [value]]); else said.at(-1)[1].push(word);
    }
    for (const [option, words] of said) {
      const text = words.join(" ").trim();
      if (!option || !text) continue;
      if (!option.required) drafts.add(option.name);
      const truth = option.type === "boolean" && /^(true|false)$/i.test(text);
      drafts.value(option.name, { raw: truth ? text.toLowerCase() === "true" : text });
    }
    drafts.optionsOpened();
    drafts.focus(first?.name || null);
    renderCompose({ focus: true });
    clearPopup();
    const field = commandRow && queryElement(commandRow, ".command-option-input");
    if (field?.setSelectionRange) field.setSelectionRange(field.value.length, field.value.length);
  }
