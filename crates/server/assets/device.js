// Registers this device: it makes a key, and the form carries its public half. Nothing is kept here.
const form = document.getElementById("device-form");
const say = document.getElementById("device-say");

const text = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function made() {
  const headers = { "x-csrf-token": form.elements._csrf.value };
  const answer = await fetch("/me/devices/begin", { method: "POST", headers });
  if (!answer.ok) {
    // What is wrong there the form's own page says.
    return null;
  }
  const { challenge, user, known } = await answer.json();
  const key = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(challenge),
      rp: { name: "Liuhen" },
      user: { id: bytes(user), name: form.elements.name.value, displayName: form.elements.name.value },
      pubKeyCredParams: [-7, -8].map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: known.map((id) => ({ type: "public-key", id: bytes(id) })),
      authenticatorSelection: {
        authenticatorAttachment: "platform",
        residentKey: "discouraged",
        userVerification: "required",
      },
      attestation: "none",
      timeout: 120000,
    },
  });
  return key.response;
}

async function able() {
  const ask = globalThis.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable;
  return Boolean(ask) && ask.call(PublicKeyCredential).catch(() => false);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say.textContent = "";
  if (!(await able())) {
    say.textContent = form.dataset.unable;
    return;
  }
  try {
    const response = await made();
    if (response) {
      form.elements.client_data.value = text(response.clientDataJSON);
      form.elements.authenticator_data.value = text(response.getAuthenticatorData());
    }
    form.submit();
  } catch (error) {
    say.textContent = error.name === "SecurityError" ? form.dataset.unable : form.dataset.failed;
  }
});
