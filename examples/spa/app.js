// An app without a server of its own: it keeps no secret, and Latchkey answers it across origins.

import { authority, client_id } from "/settings.js";

const { UserManager } = oidc;
const home = `${location.origin}/`;
const users = new UserManager({
  authority,
  client_id,
  redirect_uri: home,
  popup_redirect_uri: `${home}?popup`,
  post_logout_redirect_uri: home,
  scope: "openid profile email offline_access",
  automaticSilentRenew: false,
});

const at = (id) => document.getElementById(id);
const show = (user) => {
  at("name").textContent = user ? `, ${user.profile.name}` : "";
  at("sub").textContent = user?.profile.sub ?? "";
};
const say = (words) => (at("said").textContent = words);
const on = (id, act) => (at(id).onclick = () => act().catch((error) => say(String(error))));

on("sign-in", () => users.signinRedirect());
on("popup", async () => show(await users.signinPopup()));
on("refresh", async () => say(`refreshed: ${(await users.signinSilent()).profile.sub}`));
on("sign-out", () => users.signoutRedirect());

const query = new URLSearchParams(location.search);
try {
  if (query.has("popup")) {
    await users.signinPopupCallback();
  } else if (query.has("code")) {
    show(await users.signinRedirectCallback());
    history.replaceState(null, "", "/");
  } else {
    show(await users.getUser());
  }
} catch (error) {
  say(String(error));
}
