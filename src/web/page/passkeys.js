// Passkeys: makes and shows them, and keeps password managers up to date. A button for it is hidden
// where this does not run, or where the browser knows no passkeys.
const supported = window.PublicKeyCredential !== undefined && navigator.credentials !== undefined;
for (const element of document.querySelectorAll("[data-with-passkeys]")) element.hidden = !supported;
for (const element of document.querySelectorAll("[data-without-passkeys]")) element.hidden = supported;

// Base64url, for browsers that can't read and write the JSON of WebAuthn themselves.
const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const decodeIds = (list) => (list ?? []).map((item) => ({ ...item, id: decode(item.id) }));

const toCreate = (options) =>
  PublicKeyCredential.parseCreationOptionsFromJSON?.(options) ?? {
    ...options,
    challenge: decode(options.challenge),
    user: { ...options.user, id: decode(options.user.id) },
    excludeCredentials: decodeIds(options.excludeCredentials),
  };
const toGet = (options) =>
  PublicKeyCredential.parseRequestOptionsFromJSON?.(options) ?? {
    ...options,
    challenge: decode(options.challenge),
    allowCredentials: decodeIds(options.allowCredentials),
  };

const toJson = (credential) => {
  if (credential.toJSON) {
    try {
      return credential.toJSON();
    } catch {
      // Some password managers put an object of their own in its place.
    }
  }
  const { id, type, response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const coded = parts.filter((part) => response[part]).map((part) => [part, encode(response[part])]);
  const transports = response.getTransports?.() ?? [];
  const clientExtensionResults = credential.getClientExtensionResults?.() ?? {};
  return { id, rawId: id, type, response: { ...Object.fromEntries(coded), transports }, clientExtensionResults };
};

const post = async (url) => {
  const answer = await fetch(url, { method: "POST" });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
};

// The one request that may wait in this page.
let waiting = new AbortController();
const alone = () => {
  waiting.abort();
  waiting = new AbortController();
  return waiting.signal;
};

const send = (button, challenge, credential) => {
  const { form } = button;
  form.elements.challenge.value = challenge;
  form.elements.credential.value = JSON.stringify(toJson(credential));
  try {
    // In case the server does not know it.
    sessionStorage.setItem("passkey", credential.id);
  } catch {
    // No storage, no memory.
  }
  form.requestSubmit ? form.requestSubmit(button) : ((form.action = button.formAction), form.submit());
};

const say = (button, words) => {
  const place = button.form.querySelector("[data-passkey-said]");
  if (place) place.textContent = words ?? "";
};

const run = async (button) => {
  say(button);
  const signal = alone();
  try {
    if (button.dataset.passkey === "create") {
      const { challenge, publicKey } = await post("/user/passkeys/options");
      send(button, challenge, await navigator.credentials.create({ publicKey: toCreate(publicKey), signal }));
    } else {
      const { challenge, publicKey } = await post("/auth/passkey/options");
      send(button, challenge, await navigator.credentials.get({ publicKey: toGet(publicKey), signal }));
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    say(button, error.name === "InvalidStateError" ? button.dataset.known : button.dataset.failed);
    offerByItself();
  }
};

// The browser offers passkeys in the field of the username. Challenges end after five minutes, so it
// asks anew before that.
const autofill = document.querySelector("[data-passkey-autofill]");
const offerByItself = async () => {
  if (!supported || !autofill || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const signal = alone();
  try {
    const { challenge, publicKey } = await post("/auth/passkey/options");
    const again = setTimeout(offerByItself, 240_000);
    signal.addEventListener("abort", () => clearTimeout(again));
    const how = { mediation: "conditional", publicKey: toGet(publicKey), signal };
    const credential = await navigator.credentials.get(how);
    clearTimeout(again);
    if (credential) send(autofill, challenge, credential);
  } catch {
    // Nobody has asked for anything.
  }
};

if (supported) {
  let sent = false;
  for (const button of document.querySelectorAll("[data-passkey]")) {
    button.addEventListener("click", (event) => {
      // The second click is that of the form itself.
      if (event.isTrusted) {
        event.preventDefault();
        sent ||= run(button).finally(() => (sent = false));
      }
    });
  }
}

// Signals (WebAuthn Level 3, section 5.1.10): a passkey that is gone here leaves the password manager.
const signal = (name, what) => PublicKeyCredential[name]?.(what)?.catch(() => {});
let told;
if (supported) {
  const list = document.querySelector("[data-passkeys-accepted]");
  if (list) {
    const { rp: rpId, user: userId, passkeysAccepted } = list.dataset;
    const allAcceptedCredentialIds = passkeysAccepted.split(" ").filter(Boolean);
    signal("signalAllAcceptedCredentials", { rpId, userId, allAcceptedCredentialIds });
  }
  const unknown = document.querySelector("[data-passkey-unknown]");
  try {
    const credentialId = sessionStorage.getItem("passkey");
    sessionStorage.removeItem("passkey");
    if (unknown && credentialId) {
      told = signal("signalUnknownCredential", { rpId: unknown.dataset.passkeyUnknown, credentialId });
    }
  } catch {
    // No storage, no memory.
  }
}

// After that, so that it is not offered again.
Promise.resolve(told).then(offerByItself);

// Prints what is on the page.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
