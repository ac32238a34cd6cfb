### Alles, was Menschen lesen, auf Deutsch.

language = Deutsch
page-title = { $title } – { $brand }
page-title-wrong = Fehler: { $title }
skip = Zum Inhalt springen
account-navigation = Ihr Konto
languages = Sprache
json-routes = API
help = Hilfe
credit = Mit Latchkey betrieben
description = Melden Sie sich bei Ihrem Konto bei { $brand } an oder legen Sie eines an.
copy = Kopieren
copied = Kopiert

## Aktionen

sign-up = Konto anlegen
sign-in = Anmelden
sign-out = Abmelden
save = Speichern

## Die Startseite

home-title = Konten für Ihre App
home-heading = Konten für Ihre App, in einer einzigen Datei
home-lead = Mit Latchkey bekommt Ihre App Registrierung, Anmeldung und Kontoseiten, und eine JSON-API für alles, was sie können.
home-signed-in = Sie sind angemeldet als
home-account = Zu Ihrem Konto
home-brand-heading = Ihr Konto bei { $brand }
home-brand-lead = Ein Konto für alles. Melden Sie sich an, um Profil, Passwort und Geräte zu verwalten.
steps = Die nächsten Schritte
step-account = Legen Sie Ihr Konto an
step-account-how = Probieren Sie die Seiten so aus, wie die Nutzer Ihrer App sie sehen.
step-account-link = Registrierung öffnen
step-name = Geben Sie ihm Ihren Namen
step-name-how = Schreiben Sie das in eine Datei namens .env in dem Ordner, in dem Latchkey läuft, und starten Sie es neu.
step-app = Verbinden Sie Ihre App
step-app-how = Melden Sie Nutzer mit wenigen Anfragen an und lesen Sie ihre Profile.

## Konto anlegen und anmelden

sign-up-other = Haben Sie schon ein Konto?
sign-in-other = Neu bei { $brand }?
password-hint = Mindestens { $min } Zeichen. Gut sind drei oder vier zufällige Wörter.
password-met = Lang genug.
username-hint = 3 bis 32 Buchstaben, Ziffern, Punkte, Binde- oder Unterstriche.
username-met = Sieht gut aus.
forgot-password = Passwort vergessen? Hilfe
remember = Auf diesem Gerät angemeldet bleiben
remember-hint = Bis zu { $days ->
        [one] einen Tag
       *[other] { $days } Tage
    } lang, ohne sich neu anzumelden. Nicht auf gemeinsam genutzten Computern verwenden.
remember-hint-hours = Bis zu { $hours ->
        [one] eine Stunde
       *[other] { $hours } Stunden
    } lang, ohne sich neu anzumelden. Nicht auf gemeinsam genutzten Computern verwenden.
remember-hint-short = Für kurze Zeit. Nicht auf gemeinsam genutzten Computern verwenden.
show-password = Passwort anzeigen
hide-password = Passwort ausblenden

## Bestätigen

confirm = Bestätigen Sie, dass Sie es sind
confirm-lead = Geben Sie zu Ihrer Sicherheit noch einmal Ihr Passwort ein.
confirm-lead-session = Geben Sie Ihr Passwort ein, um das andere Gerät abzumelden.
confirm-lead-sessions = Geben Sie Ihr Passwort ein, um sich auf allen anderen Geräten abzumelden.
confirm-lead-delete = Geben Sie Ihr Passwort ein, um Ihr Konto zu löschen.
confirm-lead-download = Geben Sie Ihr Passwort ein, um Ihre Daten herunterzuladen.
confirm-button = Bestätigen
confirm-cancel = Abbrechen

## Ihr Konto

profile = Profil
profile-title = Ihr Profil
profile-account = Ihr Konto
profile-account-lead = Ihr Benutzername lässt sich nicht ändern.
profile-change = Ihr Name
security = Sicherheit
security-title = Sicherheit
security-lead = Ihr Passwort, und was in Ihrem Konto geschehen ist.
sessions = Geräte
sessions-title = Ihre Geräte
data = Daten
data-title = Ihre Daten
overview = Übersicht
overview-edit = Namen ändern
overview-password = Sie melden sich mit einem Passwort an. Gesetzt am { $date }.
overview-devices = { $count ->
        [one] Sie sind nur auf diesem Gerät angemeldet.
       *[other] Sie sind auf { $count } Geräten angemeldet.
    }
overview-sessions = Geräte ansehen
overview-history = Alle Aktivitäten
username = Benutzername
member-since = Mitglied seit
saved-name = Name geändert.
saved-same-name = So heißen Sie hier.
saved-password = Passwort geändert. Auf allen anderen Geräten wurden Sie abgemeldet.
saved-session = Das andere Gerät wurde abgemeldet.
saved-session-gone = Das andere Gerät ist abgemeldet.
saved-sessions = Auf allen anderen Geräten wurden Sie abgemeldet.
saved-kept = Willkommen zurück! Die Löschung Ihres Kontos wurde abgebrochen.
saved-set-password = Passwort gespeichert. Melden Sie sich mit Ihrem neuen Passwort an.
saved-deleted = Sie wurden überall abgemeldet. Ihr Konto wird am { $date } gelöscht. Melden Sie sich vorher an, um es zu behalten.
saved-download = Danke. Sie können Ihre Daten jetzt herunterladen.
saved-not-done = Passwort bestätigt. Ihre vorherige Anfrage wurde nicht ausgeführt. Bitte versuchen Sie es noch einmal.
saved-over = Sie wurden abgemeldet. Melden Sie sich an, um fortzufahren.

change-password = Passwort ändern
change-password-lead = Hier bleiben Sie angemeldet, auf allen anderen Geräten werden Sie abgemeldet.
history = Letzte Aktivitäten
history-lead = Etwas kommt Ihnen unbekannt vor? Ändern Sie Ihr Passwort und melden Sie die Geräte ab, die Sie nicht kennen.
history-empty = Noch nichts.
history-devices = Geräte ansehen
history-password = Passwort ändern
history-newest = Neueste
history-older = Ältere
history-since = Zuerst:
history-times = { $count }-mal
history-places =
    { $count ->
        [one] und ein weiterer Ort
       *[other] und { $count } weitere Orte
    }

sessions-lead = Melden Sie jedes Gerät ab, das Sie nicht kennen, und ändern Sie danach Ihr Passwort.
session-here = Dieses Gerät
session-active-now = Gerade aktiv
session-unknown-device = Unbekanntes Gerät
device = { $browser } ({ $system })
session-program = App oder Skript
session-first = Angemeldet
session-last = Zuletzt aktiv { $ago }
session-end = Abmelden
session-end-of = Abmelden: { $device }
sessions-end-others = Auf allen anderen Geräten abmelden
sessions-alone = Sie sind sonst nirgends angemeldet.

download = Ihre Daten herunterladen
download-lead = Eine Kopie von allem, was wir über Sie gespeichert haben (JSON).
download-what = Die Datei enthält Ihr Profil, Ihre Geräte und Ihre Aktivitäten.
download-button = Meine Daten herunterladen
delete = Konto löschen
delete-lead = Sie werden sofort überall abgemeldet. Nach { $days ->
        [0] kurzer Zeit
        [one] einem Tag
       *[other] { $days } Tagen
    } werden Ihr Konto und alle seine Daten endgültig gelöscht. Melden Sie sich vorher an, um das abzubrechen.
delete-short = Sie können es sich noch eine Weile anders überlegen.
delete-confirm = Ja, mein Konto löschen
delete-button = Mein Konto löschen

## Ein Passwort durch einen Link setzen

set-password = Ein Passwort wählen
set-password-lead = Für das Konto { $username }. Alle, die damit angemeldet sind, werden abgemeldet.

## Felder, und was mit ihnen nicht stimmt

field-fullName = Vollständiger Name
field-username = Benutzername
field-password = Passwort
field-currentPassword = Aktuelles Passwort
field-newPassword = Neues Passwort
error-prefix = Fehler:
summary = Bitte prüfen Sie:

username-missing = Geben Sie Ihren Benutzernamen ein
username-wrong-type = Der Benutzername muss eine Zeichenkette sein
username-too-short = Der Benutzername muss mindestens { $min } Zeichen lang sein
username-too-long = Der Benutzername darf höchstens { $max } Zeichen lang sein
username-forbidden-characters = Der Benutzername darf nur Buchstaben, Ziffern, Punkte, Binde- und Unterstriche enthalten
username-dot-at-end = Der Benutzername darf nicht mit einem Punkt beginnen oder enden
username-mixed-scripts = Der Benutzername darf nicht Buchstaben verschiedener Alphabete mischen
username-reserved = Dieser Benutzername ist nicht verfügbar. Wählen Sie einen anderen
username-taken = Dieser Benutzername ist vergeben. Wählen Sie einen anderen
fullName-missing = Geben Sie Ihren vollständigen Namen ein
fullName-wrong-type = Der vollständige Name muss eine Zeichenkette sein
fullName-too-long = Der vollständige Name darf höchstens { $max } Zeichen lang sein
fullName-forbidden-characters = Der vollständige Name muss sichtbare Zeichen enthalten und darf keine Steuerzeichen enthalten
password-missing = Geben Sie Ihr Passwort ein
password-wrong-type = Das Passwort muss eine Zeichenkette sein
password-too-short = Das Passwort muss mindestens { $min } Zeichen lang sein
password-too-long = Das Passwort darf höchstens { $max } Bytes lang sein
password-too-common = Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein weniger häufiges
password-too-personal = Das Passwort darf nicht auf Ihrem Benutzernamen, Ihrem Namen oder dem Namen dieses Dienstes beruhen
password-wrong = Falsches Passwort. Versuchen Sie es noch einmal
currentPassword-missing = Geben Sie Ihr aktuelles Passwort ein
currentPassword-wrong-type = Das aktuelle Passwort muss eine Zeichenkette sein
currentPassword-too-long = Das aktuelle Passwort darf höchstens { $max } Bytes lang sein
currentPassword-wrong = Falsches Passwort. Versuchen Sie es noch einmal
newPassword-missing = Geben Sie ein neues Passwort ein
newPassword-unchanged = Wählen Sie ein anderes als Ihr aktuelles Passwort
newPassword-wrong-type = Das neue Passwort muss eine Zeichenkette sein
newPassword-too-short = Das neue Passwort muss mindestens { $min } Zeichen lang sein
newPassword-too-long = Das neue Passwort darf höchstens { $max } Bytes lang sein
newPassword-too-common = Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein weniger häufiges
newPassword-too-personal = Das Passwort darf nicht auf Ihrem Benutzernamen, Ihrem Namen oder dem Namen dieses Dienstes beruhen
confirmed-missing = Setzen Sie das Häkchen, um die Löschung zu bestätigen
refreshToken-missing = Das Refresh-Token fehlt
refreshToken-wrong-type = Das Refresh-Token muss eine Zeichenkette sein
refresh-wrong-type = Das muss true oder false sein
after-out-of-range = Verwenden Sie den Wert next der vorherigen Seite
limit-out-of-range = Das muss eine Zahl von 1 bis 200 sein

## Was mit einem ganzen Formular nicht stimmt

form-invalid-credentials = Benutzername oder Passwort ist falsch. Versuchen Sie es noch einmal
form-stale = Diese Seite ist abgelaufen. Bitte versuchen Sie es noch einmal. Wenn es wieder geschieht, erlauben Sie Cookies für diese Website
form-busy = Der Dienst ist überlastet. Warten Sie einen Augenblick und versuchen Sie es noch einmal
form-too-many = { $minutes ->
        [one] Zu viele Versuche. Versuchen Sie es in einer Minute noch einmal
       *[other] Zu viele Versuche. Versuchen Sie es in { $minutes } Minuten noch einmal
    }

## Was schiefgehen kann

problem-invalid-input = Ungültige Eingabe
    .detail = Mindestens ein Feld fehlt, hat den falschen Typ oder verletzt eine Regel
problem-malformed-json = Fehlerhaftes JSON
    .detail = Der Inhalt muss ein JSON-Text sein, ohne doppelte Namen, höchstens 32-fach verschachtelt
problem-malformed-form = Fehlerhaftes Formular
    .detail = Der Inhalt ist nicht das, was das Formular der Seite schickt
problem-malformed-body = Fehlerhafter Inhalt
    .detail = Der Inhalt ist unvollständig, oder seine Länge ist nicht eindeutig
problem-username-taken = Benutzername vergeben
    .detail = Diesen Benutzernamen gibt es schon
problem-invalid-credentials = Falsche Anmeldedaten
    .detail = Benutzername oder Passwort stimmt nicht
problem-unauthorized = Nicht angemeldet
    .detail = Dafür braucht es ein angemeldetes Konto: ein Access-Token oder das Cookie der Sitzung
problem-proof-too-old = Bestätigen Sie, dass Sie es sind
    .detail = Geben Sie dafür Ihr Passwort noch einmal ein, bei /auth/confirm oder durch eine neue Anmeldung
problem-cross-origin = Anfrage von einer anderen Seite
    .detail = Anfragen, die etwas ändern, müssen von dieser Website kommen
problem-stale-form = Die Seite ist abgelaufen
    .detail = Das Formular gehört zu einer anderen Sitzung. Laden Sie die Seite neu und versuchen Sie es noch einmal
problem-not-found = Nicht gefunden
    .detail = Unter dieser Adresse gibt es nichts
problem-link-invalid = Dieser Link ist ungültig oder abgelaufen
    .detail = Fordern Sie einen neuen an
problem-method-not-allowed = Methode nicht erlaubt
    .detail = Verwenden Sie eine der Methoden in Allow
problem-request-timeout = Zeit überschritten
    .detail = Der Inhalt kam nicht rechtzeitig an
problem-content-too-large = Zu viel Inhalt
    .detail = Der Inhalt darf höchstens 16 KiB groß sein
problem-unsupported-media-type = Falsche Art von Inhalt
    .detail = Der Inhalt muss application/json in UTF-8 sein und darf nicht komprimiert sein
problem-misdirected-request = Fehlgeleitete Anfrage
    .detail = Dieser Server antwortet nicht für den angefragten Host
problem-too-many-tries = Zu viele Versuche
    .detail = Zu viele Versuche. Warten Sie so viele Sekunden, wie Retry-After angibt
problem-internal = Interner Fehler
    .detail = Etwas ist schiefgegangen. Bitte versuchen Sie es noch einmal. Wenn es wieder geschieht, nennen Sie dem Support die Anfrage-ID
problem-unavailable = Nicht verfügbar
    .detail = Der Dienst ist überlastet. Versuchen Sie es gleich noch einmal

## Dasselbe auf der Seite, die ein Mensch sieht

page-not-found = Seite nicht gefunden
    .detail = Vielleicht ist die Adresse falsch geschrieben, oder die Seite ist umgezogen
page-link-invalid = Dieser Link ist ungültig oder abgelaufen
    .detail = Fordern Sie einen neuen an
page-cross-origin = Das kam nicht von dieser Website
    .detail = Eine andere Website wollte hier etwas mit Ihrem Konto tun, und wir haben es verhindert. Wenn Sie es waren, öffnen Sie die Seite hier und versuchen Sie es noch einmal
page-stale-form = Diese Seite ist abgelaufen
    .detail = Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal. Wenn es wieder geschieht, erlauben Sie Cookies für diese Website
page-too-many-tries = Zu viele Versuche
    .detail = Warten Sie einen Augenblick und versuchen Sie es noch einmal
page-internal = Etwas ist schiefgegangen
    .detail = Es liegt an uns, nicht an Ihnen, und nichts ist verloren. Bitte versuchen Sie es noch einmal. Wenn es wieder geschieht, nennen Sie dem Support die Anfrage-ID
page-unavailable = Wir sind gleich zurück
    .detail = Der Dienst ist überlastet oder wird gewartet. Versuchen Sie es gleich noch einmal
page-content-too-large = Das ist zu viel
    .detail = Was Sie geschickt haben, ist größer, als es hier ein Formular braucht. Kürzen Sie es und versuchen Sie es noch einmal
page-method-not-allowed = Diese Seite lässt sich nicht direkt öffnen
    .detail = Beginnen Sie auf der Startseite
page-misdirected-request = Falsche Adresse
    .detail = Dieser Server hat einen anderen Namen. Prüfen Sie die Adresse, oder fragen Sie, wer ihn betreibt
problem-status = Status
problem-codes = Feldcodes
problem-routes = API-Dokumentation
problem-home = Zur Startseite
problem-again = Noch einmal versuchen
problem-codes-lead = Jedes ungültige Feld hat in Fehlern einen dieser Codes:
docs-in-english = Diese Seite gibt es nur auf Englisch.
docs-contents = Inhalt
problem-request-id = Anfrage-ID:

## Die Geschichte eines Kontos

event-user_created = Konto angelegt
event-user_created-import = Konto von einem anderen Dienst übernommen
event-authn_login_success = Angemeldet
event-authn_login_fail = Anmeldung fehlgeschlagen: falsches Passwort
event-session_expired-sign_out = Abgemeldet
event-authn_login_success-proof = Passwort bestätigt
event-authn_login_fail-proof = Falsches Passwort bei der Bestätigung
event-user_updated-full_name = Name geändert
event-authn_password_change = Passwort geändert
event-authn_password_change_fail = Passwort nicht geändert: aktuelles Passwort falsch
event-authn_token_created-password_link = Der Betreiber hat einen Link zum Setzen eines Passworts erstellt
event-authn_password_change-password_link = Passwort über einen Link gesetzt
event-session_renewed-refresh = Eine App hat ihren Zugang erneuert
event-authn_token_reuse = Der Zugang einer App wurde zweimal benutzt, ihre Sitzung wurde beendet
event-session_expired-ended = Ein Gerät wurde abgemeldet
event-session_expired-others_ended = Alle anderen Geräte wurden abgemeldet
event-session_expired-all_ended = Vom Betreiber überall abgemeldet
event-user_archived-deletion = Löschung des Kontos beantragt
event-user_updated-deletion_undone = Löschung abgebrochen
event-user_archived-disabled = Konto vom Betreiber gesperrt
event-user_updated-enabled = Konto vom Betreiber wieder freigegeben
event-sensitive_read-data = Daten heruntergeladen
event-other = Etwas anderes

## Zeiten

ago-moment = gerade eben
ago-minutes = { $count ->
        [one] vor einer Minute
       *[other] vor { $count } Minuten
    }
ago-hours = { $count ->
        [one] vor einer Stunde
       *[other] vor { $count } Stunden
    }
ago-days = { $count ->
        [one] gestern
       *[other] vor { $count } Tagen
    }
date = { $day }. { $month } { $year }
date-time = { $day }. { $month } { $year }, { $time } UTC
clock = { $time } UTC
month-1 = Januar
month-2 = Februar
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = August
month-9 = September
month-10 = Oktober
month-11 = November
month-12 = Dezember
