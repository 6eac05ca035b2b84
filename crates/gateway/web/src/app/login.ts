import { h } from "./dom.ts";
import { currentLanguage, setLanguage, t } from "./i18n.ts";

const STORED_NAME = "maia.name";

/** Takes the access code out of the address, so that it stays in no history and no screenshot. */
export function codeFromAddress(): string {
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";
  if (location.hash !== "") {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return code;
}

/** Shows the login until a session is open. */
export function login(code: string): Promise<void> {
  return new Promise((resolve) => {
    document.body.replaceChildren(form(code, resolve));
    document.querySelector<HTMLInputElement>("#login-name")?.focus();
  });
}

function form(code: string, done: () => void): HTMLElement {
  const name = h("input", {
    id: "login-name", name: "name", maxlength: "40", required: true, autocomplete: "name", value: storedName(),
    "data-testid": "login-name",
  });
  const accessCode = h("input", {
    id: "login-code", name: "access_code", type: "password", required: true, autocomplete: "current-password", value: code,
    "data-testid": "login-code",
  });
  const problem = h("p", { class: "login-problem", role: "alert", "data-testid": "login-problem" });
  const language = h("button", { type: "button", class: "language" }, t("language"));
  language.onclick = () => {
    setLanguage(currentLanguage() === "zh" ? "en" : "zh");
    document.body.replaceChildren(form(accessCode.value, done));
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    problem.textContent = await open(name.value, accessCode.value);
    if (problem.textContent === "") {
      store(name.value);
      done();
    }
  };
  return h(
    "main",
    { class: "login" },
    h(
      "form",
      { "data-testid": "login-form", onsubmit: (event) => void submit(event) },
      h("div", { class: "row" }, h("h1", {}, t("title")), language),
      h("label", { for: "login-name" }, t("name")), name,
      h("label", { for: "login-code" }, t("accessCode")), accessCode,
      h("button", { class: "primary", type: "submit", "data-testid": "login-submit" }, t("login")),
      problem,
      h("p", { class: "decision-support" }, t("decisionSupport")),
    ),
  );
}

/** Opens a session; the answer is empty, or what to do. */
async function open(name: string, accessCode: string): Promise<string> {
  const response = await fetch("/api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, access_code: accessCode }),
  }).catch(() => null);
  switch (response?.status) {
    case 204:
      return "";
    case 401:
      return t("loginWrong");
    case 422:
      return t("loginName");
    case 429:
      return t("loginWait", { seconds: response.headers.get("retry-after") ?? "60" });
    default:
      return t("loginUnreachable");
  }
}

function storedName(): string {
  try {
    return localStorage.getItem(STORED_NAME) ?? "";
  } catch {
    return "";
  }
}

function store(name: string): void {
  try {
    localStorage.setItem(STORED_NAME, name);
  } catch {
    // The name is then typed again next time.
  }
}
