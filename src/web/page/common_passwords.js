// Says that a new password is a common one before it is sent, once its owner pauses. Only the first two
// digits of its hash leave the browser; they fit hundreds of common passwords, and countless others.
let pause;
document.addEventListener("input", ({ target: input }) => {
  clearTimeout(pause);
  if (input.dataset?.tooCommon && crypto.subtle) pause = setTimeout(check, 600, input, input.value);
});
const check = async (input, typed) => {
  const folded = new TextEncoder().encode(typed.normalize("NFC").toLowerCase());
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", folded));
  const hash = [...bytes.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const answer = await fetch(`/common-passwords/${hash.slice(0, 2)}`).catch(() => undefined);
  if (!answer?.ok) return;
  const rests = (await answer.text()).split("\n");
  if (input.value !== typed || !rests.includes(hash.slice(2))) return;
  document.getElementById(`${input.id}-error`).textContent = input.dataset.tooCommon;
  input.setAttribute("aria-invalid", "true");
  const hint = document.getElementById(`${input.id}-hint`);
  hint.removeAttribute("data-met");
  hint.querySelector("strong").hidden = true;
};
