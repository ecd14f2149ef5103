// Pages that hide a part of what is on them. What an agent cannot see it has to look for, and the answers do so too:
// they know no more than what shows, so that what is right follows from the screen.
(() => {
  const {all, click, labelled, learn, one, quoted, shown} = oracle;

  // One section that has to be open.
  const unfold = () => click(all(all(".ui-accordion-content").some(shown) ? "#subbtn" : "#area h3"));

  // A link in one of several sections, of which one is open at a time: the next one, and after the last the first.
  const folded = () => {
    const found = labelled(".alink", quoted()).filter(shown);
    if (found.length) return click(found);
    const heads = all("#area h3"), open = all(".ui-accordion-content").findIndex(shown);
    return click(open < 0 ? heads : [heads[(open + 1) % heads.length]]);
  };

  // A file or a folder: folders are opened until it shows.
  const tree = () => {
    const found = labelled("#tree span", quoted()).filter(shown);
    return click(found.length ? found : all("#tree .expandable > span").filter(shown));
  };

  // What is to be done to a mail, on its line of the list or on its own page.
  const mail = (icon) => () => {
    const name = core.getUtterance().match(/email by (.*) and click/)[1];
    const places = all("#main .email-thread, #email")
      .filter((place) => shown(place) && place.querySelector(".email-sender").textContent === name);
    if (places.length) return click(places.map((place) => place.querySelector(icon)));
    return click(all("#close-email, #search-cancel, #close-reply, #close-forward").filter(shown));
  };

  // An item of a menu, called by its name or by its picture.
  const item = () => {
    const icon = one("#query .ui-icon");
    const found = icon ? all(`#menu .${icon.classList[1]}`).map((each) => each.parentElement)
      : labelled("#menu div", quoted().match(/.*"(.*)$/)[1]);
    if (found.some(shown)) return click(found);
    return click(shown(one("#menu")) ? labelled("#menu div", "Playback") : all("#open-menu"));
  };

  // A drop-down list that the page draws by itself, in which a line has to be scrolled to, and then a button.
  const dropdown = () => {
    const [, wanted, button] = core.getUtterance().match(/Choose (.*) from the dropdown.*"(.*)"/);
    const list = one(".selectric-scroll"), [line] = labelled(".selectric-items li", wanted);
    const open = shown(list), right = one("#dropdown").value === wanted;
    if (right) return click(open ? all(".selectric") : labelled("#buttons button", button));
    if (!open) return click(all(".selectric"));
    const seen = line.getBoundingClientRect().bottom > list.getBoundingClientRect().top;
    if (!seen) return click(all(".selectric")); // an open list begins with what is chosen
    const found = click([line]);
    return oracle.locate(found) ? found : {kind: "scroll", elements: [list]};
  };

  learn("click-collapsible", unfold, "#area h3, .ui-accordion-content");
  learn("click-collapsible-2", folded, "#area h3");
  learn("click-menu-2", item, "#open-menu, #menu > .ui-menu-item:nth-child(2), #menu > .ui-state-disabled");
  learn("click-tab-2-easy", () => click(labelled(".alink", quoted())), "#area ul a");
  learn("email-inbox-delete", mail(".trash"), ".email-sender, .email-subject, #open-search, .email-reply");
  learn("email-inbox-important", mail(".star"), ".email-sender, .email-subject, #open-search, .email-reply");
  learn("form-sequence-3", dropdown, ".selectric, #query");
  learn("navigate-tree", tree, "#tree .folder, #tree .hitarea");
})();
