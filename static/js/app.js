// Each module improves one component of a page that works without it.
import "./errors.js";
import "./once.js";
import "./amount.js";
import "./combobox.js";
import "./plan.js";
import "./money.js";
import "./files.js";
import "./autosave.js";
import "./queue.js";
import "./copy.js";
import "./print.js";
import "./menus.js";
import "./asked.js";
import "./session.js";

document.documentElement.classList.add("js");
