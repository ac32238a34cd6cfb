// Says that a new password is a common one before it is sent. Only the first digits of its hash leave
// the browser; they fit some dozen common passwords, and countless others.
document.addEventListener("focusout", async ({ target: input, relatedTarget: next }) => {
  const sentence = input.dataset?.tooCommon;
  if (!sentence || !input.value || !crypto.subtle) return;
  // On the way to the submit button, a message would move it away from under the pointer.
  if (!next || next.type === "submit") return;
  const typed = input.value;
  const folded = new TextEncoder().encode(typed.normalize("NFC").toLowerCase());
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", folded));
  const hash = [...bytes.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const answer = await fetch(`/common-passwords/${hash.slice(0, 3)}`).catch(() => undefined);
  if (!answer?.ok) return;
  const rests = (await answer.text()).split("\n");
  if (input.value !== typed || !rests.includes(hash.slice(3))) return;
  document.getElementById(`${input.id}-error`).textContent = sentence;
  input.setAttribute("aria-invalid", "true");
});
