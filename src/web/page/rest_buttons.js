// A form that was sent is not sent again by a second click on a slow line. After a while, or when the
// page comes back from the browser's memory, its button works again.
const rest = (form, resting) => {
  form.toggleAttribute("data-sent", resting);
  for (const button of form.querySelectorAll("[type=submit]")) button.disabled = resting;
};
document.addEventListener("submit", ({ target: form }) => {
  // Once the browser has read the fields.
  setTimeout(() => rest(form, true));
  setTimeout(() => rest(form, false), 20_000);
});
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) for (const form of document.querySelectorAll("form[data-sent]")) rest(form, false);
});
