// Makes a passkey, or signs in with one: the browser signs what the form's options say, and the form carries its answer.
const form = document.querySelector("[data-passkey]");
const makes = form.dataset.passkey === "create";
const options = JSON.parse(form.dataset.options);
let asking;

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const known = (each) => ({ ...each, id: bytes(each.id) });

function publicKey() {
  const read = { ...options, challenge: bytes(options.challenge) };
  if (options.allowCredentials) read.allowCredentials = options.allowCredentials.map(known);
  if (makes) {
    read.user = { ...options.user, id: bytes(options.user.id) };
    read.excludeCredentials = options.excludeCredentials.map(known);
  }
  return read;
}

function send(credential) {
  const given = credential.response;
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (given[name]) response[name] = text(given[name]);
  }
  if (given.getTransports) response.transports = given.getTransports();
  const answer = { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
  form.elements[form.dataset.field || "credential"].value = JSON.stringify(answer);
  form.submit();
}

async function ask(mediation) {
  asking?.abort(); // the browser answers one question at a time
  const mine = (asking = new AbortController());
  const question = { publicKey: publicKey(), signal: mine.signal };
  try {
    const credentials = navigator.credentials;
    send(await (makes ? credentials.create(question) : credentials.get(mediation ? { ...question, mediation } : question)));
  } catch (error) {
    if (mine.signal.aborted || mediation) return;
    const again = form.querySelector("[data-known]");
    (error.name === "InvalidStateError" && again ? again : form.querySelector("[data-failed]")).hidden = false;
  }
}

if (window.PublicKeyCredential) {
  form.closest("[hidden]")?.removeAttribute("hidden");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const problem of form.querySelectorAll(".problem")) problem.hidden = true;
    ask();
  });
  // The passkeys that this device has stand among the suggestions for the address.
  if ("suggest" in form.dataset) PublicKeyCredential.isConditionalMediationAvailable?.().then((can) => can && ask("conditional"));
}
