// The texts of the page, in each language.
export const WORDS = {
  en: {
    connecting: "connecting…", connected: "connected", away: "no connection, trying again", language: "Language",
    mode_home: "mode: home", mode_away: "mode: away", mode_night: "mode: night", mode_off: "mode: off",
    pair_title: "Pair this device", code: "Code", device_name: "A name for this device", pair: "Pair",
    pair_how: "Type the code that kinwatch wrote to its log, or that a paired device shows. Each code is good for one device.",
    call: "Write a new code to the log", called: "A new code is in kinwatch's log.", wrong_code: "That code is not valid. It may have been used, or be older than 15 minutes.",
    too_many: "Too many tries. Wait a minute.", no_server: "kinwatch does not answer.",
    authority: "Trust this house's certificate (file for this device)",
    camera: "Camera", camera_off: "The camera is off.", start: "Start the camera", stop: "Stop the camera", turn: "Other camera",
    camera_here: "this device is the camera", camera_other: "the camera is: ", camera_none: "no camera is on",
    camera_taken: "Another device is now the camera: ", disabled: "The camera of this place is switched off.", paused: "The page was hidden: the camera is off.",
    voice: "Speak here what the house says", microphone: "Listen here",
    microphone_note: "The house recognises the words itself. No sound is stored, and none leaves the house.", recogniser_missing: "The house cannot listen yet. On its machine: ", microphone_taken: "Another device is now the microphone: ",
    no_microphone: "This browser gives this page no microphone. Open the page with https:// (or with localhost on this machine).", refused_microphone: "The microphone was refused or is in use. Allow it for this page in the browser's settings.",
    vendor: "Listen with this browser's speech recognition",
    vendor_note: "Most browsers send the sound to their maker. This stays off until you turn it on.",
    album: "Who was that?", album_empty: "No visits since kinwatch started.", devices: "Paired devices", revoke: "Revoke", this_one: "this device",
    invite: "Pair another device", refused: "Refused since the start: ", nothing: "nothing",
    family: "Family", guest: "Guest", known: "Known", stranger: "Stranger", unidentified: "Not recognised", identifying: "Looking…", person: "person",
    cat: "cat", dog: "dog", other: "Another name", save: "Save", nobody: "Nobody", named: "Named: ", not_person: "Not a person", picture_of: "Picture of the visit: ",
    no_camera: "This browser gives this page no camera. Open the page with https:// (or with localhost on this machine).",
    no_voice: "This browser cannot speak: what the house says is shown as text.", no_vendor: "This browser has no speech recognition.",
    refused_camera: "The camera was refused or is in use. Allow it for this page in the browser's settings.", no_speech: "This device could not speak: ",
    vendor_failed: "Speech recognition failed: ",
  },
  fr: {
    connecting: "connexion…", connected: "connecté", away: "pas de connexion, nouvel essai", language: "Langue",
    mode_home: "mode : présence", mode_away: "mode : absence", mode_night: "mode : nuit", mode_off: "mode : arrêt",
    pair_title: "Associer cet appareil", code: "Code", device_name: "Un nom pour cet appareil", pair: "Associer",
    pair_how: "Tapez le code que kinwatch a écrit dans son journal, ou qu’un appareil associé affiche. Un code vaut pour un seul appareil.",
    call: "Écrire un nouveau code dans le journal", called: "Un nouveau code est dans le journal de kinwatch.", wrong_code: "Ce code n’est pas valable. Il a peut-être servi, ou a plus de 15 minutes.",
    too_many: "Trop d’essais. Attendez une minute.", no_server: "kinwatch ne répond pas.",
    authority: "Faire confiance au certificat de la maison (fichier pour cet appareil)",
    camera: "Caméra", camera_off: "La caméra est éteinte.", start: "Allumer la caméra", stop: "Éteindre la caméra", turn: "Autre caméra",
    camera_here: "cet appareil est la caméra", camera_other: "la caméra est : ", camera_none: "aucune caméra allumée",
    camera_taken: "Un autre appareil est maintenant la caméra : ", disabled: "La caméra de ce lieu est désactivée.", paused: "La page était cachée : la caméra est éteinte.",
    voice: "Dire ici ce que la maison dit", microphone: "Écouter ici",
    microphone_note: "La maison reconnaît les mots elle-même : aucun son n’est gardé, aucun n’en sort.", recogniser_missing: "La maison ne peut pas encore écouter. Sur sa machine : ", microphone_taken: "Un autre appareil est maintenant le micro : ",
    no_microphone: "Ce navigateur ne donne pas de micro à cette page. Ouvrez-la en https:// (ou sur cette machine par localhost).", refused_microphone: "Le micro est refusé ou déjà pris. Autorisez-le pour cette page dans les réglages du navigateur.",
    vendor: "Écouter avec la reconnaissance vocale de ce navigateur",
    vendor_note: "La plupart des navigateurs envoient le son à leur éditeur. Cette reconnaissance reste éteinte tant que vous ne l’allumez pas.",
    album: "Qui était-ce ?", album_empty: "Aucune visite depuis le démarrage de kinwatch.", devices: "Appareils associés", revoke: "Révoquer", this_one: "cet appareil",
    invite: "Associer un autre appareil", refused: "Refusé depuis le démarrage : ", nothing: "rien",
    family: "Famille", guest: "Invité", known: "Connu", stranger: "Inconnu", unidentified: "Non reconnu", identifying: "Je regarde…", person: "personne",
    cat: "chat", dog: "chien", other: "Un autre nom", save: "Enregistrer", nobody: "Personne", named: "Nom donné : ", not_person: "Pas une personne", picture_of: "Image de la visite : ",
    no_camera: "Ce navigateur ne donne pas de caméra à cette page. Ouvrez-la en https:// (ou sur cette machine par localhost).",
    no_voice: "Ce navigateur ne parle pas : ce que la maison dit s’affiche en texte.", no_vendor: "Ce navigateur n’a pas de reconnaissance vocale.",
    refused_camera: "La caméra est refusée ou déjà prise. Autorisez-la pour cette page dans les réglages du navigateur.", no_speech: "Cet appareil n’a pas pu parler : ",
    vendor_failed: "La reconnaissance vocale a échoué : ",
  },
};

let language = localStorage.getItem("language") ?? (navigator.language.startsWith("fr") ? "fr" : "en");

export const words = (key) => WORDS[language][key] ?? key;
export const spoken = () => language;

export function speakIn(other) {
  language = other in WORDS ? other : "en";
  localStorage.setItem("language", language);
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = words(element.dataset.say);
}

// Shows a text that follows the chosen language.
export function set(element, key) {
  element.dataset.say = key;
  element.textContent = words(key);
}

// Shows a text with a name in it, which stays in the language it was written in.
export function setText(element, text) {
  element.removeAttribute("data-say");
  element.textContent = text;
}
