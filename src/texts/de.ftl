### Alles, was Menschen lesen, auf Deutsch.

language = Deutsch
page-title = { $title } – { $brand }
page-title-wrong = Fehler: { $title }
skip = Zum Inhalt springen
account-navigation = Ihr Konto
languages = Sprache
json-routes = API
help = Hilfe
credit = Läuft mit Latchkey
description = Melden Sie sich mit Ihrem Konto bei { $brand } an, oder legen Sie ein neues an.
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
home-lead = Mit Latchkey bekommt Ihre App Registrierung, Anmeldung und Kontoseiten – und für alles davon eine JSON-API.
home-signed-in = Sie sind angemeldet als
home-account = Zu Ihrem Konto
home-brand-heading = Ihr Konto bei { $brand }
home-brand-lead = Melden Sie sich an, um Profil, Passwort und Geräte zu verwalten.
steps = Die nächsten Schritte
step-account = Legen Sie Ihr Konto an
step-account-how = Probieren Sie die Seiten so aus, wie die Nutzer Ihrer App sie sehen.
step-account-link = Registrierung öffnen
step-name = Ihr Name statt unserem
step-name-how = Speichern Sie das als .env in dem Ordner, in dem Latchkey läuft, und starten Sie Latchkey neu.
step-mail = Damit sich Nutzer selbst helfen
step-mail-how = Mit einem Mailserver in der .env können sie ein vergessenes Passwort ersetzen. Zum Ausprobieren: MAIL_URL=file:mails.
step-app = Verbinden Sie Ihre App
step-app-how = Melden Sie Nutzer mit wenigen Anfragen an und lesen Sie ihre Profile.

## Konto anlegen und anmelden

sign-up-other = Haben Sie schon ein Konto?
sign-in-other = Neu bei { $brand }?
password-hint = Mindestens { $min } Zeichen. Drei oder vier zufällige Wörter eignen sich gut.
password-met = Lang genug.
username-hint = 3 bis 32 Buchstaben, Ziffern, Punkte, Binde- oder Unterstriche.
forgot-password = Passwort vergessen?
remember = Auf diesem Gerät angemeldet bleiben
remember-hint = Sie bleiben ohne Besuch bis zu { $days ->
        [one] einen Tag
       *[other] { $days } Tage
    } angemeldet. Nicht auf gemeinsam genutzten Computern verwenden.
remember-hint-hours = Sie bleiben ohne Besuch bis zu { $hours ->
        [one] eine Stunde
       *[other] { $hours } Stunden
    } angemeldet. Nicht auf gemeinsam genutzten Computern verwenden.
remember-hint-short = Sie bleiben kurze Zeit angemeldet. Nicht auf gemeinsam genutzten Computern verwenden.
show-password = Passwort anzeigen
hide-password = Passwort ausblenden

## Bestätigen

confirm = Bestätigen Sie, dass Sie es sind
confirm-lead = Geben Sie zu Ihrer Sicherheit noch einmal Ihr Passwort ein.
confirm-lead-provider = Melden Sie sich zu Ihrer Sicherheit neu an.
confirm-lead-no-password = Melden Sie sich zu Ihrer Sicherheit neu an. Wir schicken Ihnen einen Code.
confirm-lead-passkey = Verwenden Sie zu Ihrer Sicherheit einen Passkey, um fortzufahren.
confirm-lead-factors = Bestätigen Sie, dass Sie es sind, um Ihre Anmeldemethoden zu ändern.
confirm-passkey = Mit einem Passkey bestätigen
confirm-lead-session = Geben Sie Ihr Passwort ein, um das andere Gerät abzumelden.
confirm-lead-sessions = Geben Sie Ihr Passwort ein, um sich auf allen anderen Geräten abzumelden.
confirm-lead-delete = Geben Sie Ihr Passwort ein, um Ihr Konto zu löschen.
confirm-lead-download = Geben Sie Ihr Passwort ein, um Ihre Daten herunterzuladen.
confirm-lead-email = Geben Sie Ihr Passwort ein, um Ihre E-Mail-Adresse zu ändern.
confirm-button = Bestätigen
confirm-cancel = Abbrechen

## Ihr Konto

profile = Profil
profile-title = Ihr Profil
profile-account = Ihr Konto
profile-account-lead = Ihr Benutzername lässt sich nicht ändern.
email-lead = Damit erhalten Sie wieder Zugang, wenn Sie Ihr Passwort vergessen, und Sie können sich damit anmelden.
email-hint = Freiwillig. Damit erhalten Sie wieder Zugang, wenn Sie Ihr Passwort vergessen.
email-hint-required = Wir schicken Ihnen einen Link. Bestätigen Sie damit die Adresse, bevor Sie sich anmelden.
email-is-verified = Bestätigt
email-is-pending = Noch nicht bestätigt
email-send = Bestätigungslink senden
email-again = Link noch einmal senden
email-remove = Adresse entfernen
verify-email = E-Mail-Adresse bestätigen
verify-email-lead = Gehört { $address } Ihnen? Bestätigen Sie die Adresse, um sie mit Ihrem Konto zu verwenden.
verify-email-button = Bestätigen
verify-email-whose = Jemand hat { $address } für das Konto „{ $username }“ angegeben. Haben Sie dieses Konto angelegt?
verify-email-mine = Ja, Adresse bestätigen
verify-email-not-mine = Nein, das ist nicht mein Konto
restore-email = Ihre Adresse zurückholen
restore-email-lead = Die Adresse Ihres Kontos ist danach wieder { $address }. Alle Geräte werden abgemeldet, und das Passwort gilt nicht mehr. Danach legen Sie ein neues fest.
restore-email-button = Zurückholen
resend-title = Bestätigungslink nicht angekommen?
resend-lead = Wir schicken einen neuen an die Adresse, die Sie bei der Registrierung angegeben haben. Sehen Sie vorher im Spam-Ordner nach.
resend-button = Noch einmal senden
code-title = Mit einem Code anmelden
code-lead = Wir schicken einen Code an die bestätigte E-Mail-Adresse Ihres Kontos.
code-send = Code senden
code-sent = Wenn es ein Konto mit bestätigter Adresse gibt, ist ein Code mit 8 Ziffern unterwegs. Er gilt 10 Minuten und nur in diesem Browser.
code-again = Neuen Code senden
passkey-failed = Das hat nicht geklappt oder wurde abgebrochen. Versuchen Sie es noch einmal. Ihr Gerät braucht eine Bildschirmsperre oder eine PIN.
passkey-known = Dieses Gerät oder dieser Passwortmanager hat schon einen Passkey für Ihr Konto.
no-passkeys-here = Passkeys brauchen JavaScript und einen aktuellen Browser.
no-passkeys-add = Um einen Passkey hinzuzufügen, brauchen Sie einen aktuellen Browser mit JavaScript.
code-hint = Die sechs Ziffern, die Ihre Authenticator-App anzeigt.
recovery-code-instead = Stattdessen einen Wiederherstellungscode verwenden
second-factor = Noch ein Schritt
second-factor-lead = Sie melden sich als { $username } an. Bestätigen Sie jetzt, dass Sie es sind.
use-passkey = Passkey verwenden
second-factor-button = Weiter
second-factor-back = Mit einem anderen Konto anmelden
second-factor-lost = Sie haben Ihren Passkey nicht? Wenden Sie sich an den Support, um den zweiten Schritt zurückzusetzen.
trust = Diesem Gerät 30 Tage lang vertrauen
trust-hint = Sie brauchen diesen Schritt hier dann nicht. Nicht auf einem gemeinsam genutzten Computer verwenden.
recover-by-mail = App, Passkeys und Codes verloren?
recover-by-mail-how = Wir schicken einen Link an die bestätigte E-Mail-Adresse Ihres Kontos. Er entfernt den zweiten Schritt, funktioniert zu Ihrer Sicherheit aber erst nach 24 Stunden. Eine neue Anfrage beginnt die 24 Stunden von vorn.
recover-by-mail-button = Link senden
reset-factors = Zweiten Schritt entfernen
reset-factors-lead = Die Authenticator-App, die Passkeys und die Wiederherstellungscodes des Kontos { $username } gelten dann nicht mehr, und alle Geräte werden abgemeldet. Zum Anmelden reicht danach ein Schritt.
reset-factors-wait = Jemand möchte den zweiten Schritt des Kontos { $username } entfernen. Das ist ab { $time } möglich: Öffnen Sie den Link aus der E-Mail dann noch einmal. Wenn Sie das nicht waren, brechen Sie die Anfrage jetzt ab.
reset-factors-button = Zweiten Schritt entfernen
reset-factors-stop = Anfrage abbrechen und den zweiten Schritt behalten
offer-passkey = Beim nächsten Mal mit dem Fingerabdruck anmelden?
offer-passkey-how = Ein Passkey ist schneller und sicherer als ein Passwort. Ihr Gerät fragt nach Fingerabdruck, Gesicht oder PIN.
offer-passkey-yes = Passkey hinzufügen
offer-passkey-no = Nicht mehr fragen
sign-in-by-code = Mit einem Code per E-Mail anmelden
with-provider = Weiter mit { $provider }
providers = Weitere Anmeldewege
confirm-by-code = Mit einem Code neu anmelden
forgot-title = Passwort vergessen?
forgot-lead = Wir schicken einen Link an die bestätigte E-Mail-Adresse Ihres Kontos. Er gilt 30 Minuten.
forgot-button = Link senden
forgot-back = Zurück zur Anmeldung
profile-change = Name
profile-change-lead = Der Name, unter dem man Sie kennt.
security = Sicherheit
security-title = Sicherheit
security-lead = Ihre Anmeldemethoden und die letzten Aktivitäten.
sessions = Geräte
sessions-title = Ihre Geräte
data = Daten
data-title = Ihre Daten
overview = Übersicht
overview-edit = Namen ändern
overview-password = Sie melden sich mit einem Passwort an.
overview-no-password = Sie haben kein Passwort. Sie melden sich mit einem Code per E-Mail an.
overview-password-since = Zuletzt geändert am
overview-more = und { $count } weitere
overview-devices = { $count ->
        [one] Sie sind nur auf diesem Gerät angemeldet.
       *[other] Sie sind auf { $count } Geräten angemeldet.
    }
overview-sessions = Geräte ansehen
overview-history = Alle Aktivitäten
username = Benutzername
member-since = Mitglied seit
saved-name = Name geändert.
saved-same-name = Das ist bereits Ihr Name.
saved-password = Passwort geändert. Auf allen anderen Geräten wurden Sie abgemeldet.
saved-app-taken-back = Von dieser App abgemeldet.
saved-app-gone = Diese App war schon abgemeldet.
saved-device-approved = Ihr Gerät ist verbunden. Sie können dort weitermachen.
saved-device-refused = Das Gerät wurde abgelehnt.
saved-device-over = Dieses Gerät wartet nicht mehr. Beginnen Sie auf dem Gerät neu.
saved-provider-away = Dieser Anbieter ist gerade nicht erreichbar. Versuchen Sie es in ein paar Minuten noch einmal, oder melden Sie sich auf einem anderen Weg an.
saved-provider-wrong = Diese Anmeldung hat nicht funktioniert, und es wurde nichts geändert. Versuchen Sie es noch einmal, oder melden Sie sich auf einem anderen Weg an.
saved-provider-cancelled = Anmeldung abgebrochen. Sie können es noch einmal versuchen oder sich auf einem anderen Weg anmelden.
saved-provider-lost = Diese Anmeldung hat zu lange gedauert oder wurde in einem anderen Browser begonnen. Versuchen Sie es noch einmal.
saved-provider-barred = Dieses Konto können Sie gerade nicht benutzen. Vielleicht ist es gesperrt, oder seine E-Mail-Adresse ist noch nicht bestätigt.
saved-provider-not-theirs = Diese Anmeldung ist nicht mit Ihrem Konto verknüpft und kann deshalb nicht bestätigen, dass Sie es sind.
saved-provider-no-proof = Dieser Anbieter hat nicht gesagt, dass er gerade geprüft hat, wer Sie sind. Bestätigen Sie es mit Ihrem Passwort oder Passkey.
saved-provider-no-sign-up = Mit dieser Anmeldung ist hier kein Konto verknüpft. Melden Sie sich zuerst auf einem anderen Weg an, und verknüpfen Sie sie dann auf der Seite „Sicherheit“.
saved-identity-linked = Verknüpft. Sie können sich ab jetzt damit anmelden.
saved-identity-linked-already = Das war schon mit Ihrem Konto verknüpft.
saved-identity-linked-to-another = Das ist hier mit einem anderen Konto verknüpft. Trennen Sie es zuerst dort.
saved-identity-too-many = Mehr können Sie nicht verknüpfen. Trennen Sie zuerst eine Verknüpfung.
saved-identity-unlinked = Getrennt. Auf allen anderen Geräten wurden Sie abgemeldet.
saved-session = Das andere Gerät wurde abgemeldet.
saved-session-gone = Das andere Gerät war bereits abgemeldet.
saved-sessions = Auf allen anderen Geräten wurden Sie abgemeldet.
saved-kept = Willkommen zurück! Die Löschung Ihres Kontos wurde abgebrochen.
saved-set-password = Passwort gespeichert. Melden Sie sich mit Ihrem neuen Passwort an.
saved-deleted = Sie wurden überall abgemeldet. Ihr Konto wird am { $date } gelöscht. Melden Sie sich vorher an, um es zu behalten.
saved-download = Danke. Sie können Ihre Daten jetzt herunterladen.
saved-not-done = Bestätigt. Ihre vorherige Anfrage wurde nicht ausgeführt. Bitte versuchen Sie es noch einmal.
saved-over = Sie wurden abgemeldet. Melden Sie sich an, um fortzufahren.
saved-signed-out = Sie haben sich abgemeldet.
saved-welcome = Willkommen! Ihr Konto ist bereit.
saved-email-given = Wir haben Ihnen eine E-Mail geschickt. Öffnen Sie den Link darin, um Ihre Adresse zu bestätigen.
saved-email-unchanged = Das ist bereits Ihre Adresse.
saved-email-removed = E-Mail-Adresse entfernt.
saved-email-verified = E-Mail-Adresse bestätigt.
saved-email-disowned = Danke. Ihre Adresse gehört nicht mehr zu diesem Konto.
saved-email-restored = Ihre Adresse ist zurück, und alle Geräte sind abgemeldet. Legen Sie jetzt ein neues Passwort fest.
saved-verification-sent = Wenn eine Adresse auf Bestätigung wartet, ist eine E-Mail unterwegs. Sehen Sie auch im Spam-Ordner nach.
saved-to-verify = Ihr Konto ist angelegt. Öffnen Sie den Link, den wir Ihnen geschickt haben, um Ihre Adresse zu bestätigen. Danach können Sie sich anmelden.
saved-taken-over = Sie sind angemeldet. Wir haben das alte Passwort entfernt und alle anderen Geräte abgemeldet, weil es jemand anders gewählt haben könnte. Legen Sie unter „Sicherheit“ ein neues fest.
saved-reset-sent = Wenn es ein Konto gibt, ist eine E-Mail unterwegs. Sehen Sie auch im Spam-Ordner nach.
saved-second-factor-over = Das hat zu lange gedauert, oder es gab zu viele falsche Codes. Melden Sie sich noch einmal an.
saved-few-codes = Sie sind angemeldet. Sie haben nur noch wenige Wiederherstellungscodes: Erstellen Sie neue auf der Seite „Sicherheit“.
saved-factor-reset-asked = Wenn Ihr Konto eine bestätigte Adresse hat, ist eine E-Mail unterwegs. Der Link darin funktioniert nach 24 Stunden.
saved-totp-on = Ihre Authenticator-App ist eingerichtet.
saved-set-up-goes-on = Danke. Richten Sie jetzt Ihre App ein.
saved-totp-off = Authenticator-App entfernt. Auf allen anderen Geräten wurden Sie abgemeldet.
saved-passkey-added = Passkey hinzugefügt. Von jetzt an können Sie sich damit anmelden.
saved-passkey-renamed = Name gespeichert.
saved-passkey-removed = Passkey entfernt. Auf allen anderen Geräten wurden Sie abgemeldet.
saved-last-way-in = Das ist Ihre einzige Anmeldemöglichkeit und kann nicht entfernt werden. Legen Sie zuerst ein Passwort fest, oder fügen Sie einen Passkey hinzu.
saved-factor-required = Dieser Dienst verlangt einen zweiten Schritt. Richten Sie zuerst einen anderen ein.
saved-passkey-name-refused = Der Name muss 1 bis 64 Zeichen lang sein.
saved-codes-in-use = Ihre neuen Wiederherstellungscodes gelten jetzt. Die alten gelten nicht mehr.
saved-device-distrusted = Auf diesem Gerät wird der zweite Schritt wieder verlangt.
saved-offer-declined = In Ordnung, wir fragen nicht mehr. Auf der Seite „Sicherheit“ können Sie jederzeit einen Passkey hinzufügen.
saved-factors-removed = Der zweite Schritt ist entfernt, und alle Geräte sind abgemeldet. Sie können sich jetzt ohne ihn anmelden.
saved-factor-reset-stopped = Anfrage abgebrochen. Der zweite Schritt bleibt aktiv.

change-password = Passwort ändern
change-password-lead = Hier bleiben Sie angemeldet, auf allen anderen Geräten werden Sie abgemeldet.
passkey = Passkey
passkeys = Passkeys
passkeys-lead = Melden Sie sich mit Fingerabdruck, Gesicht oder PIN an. Sie müssen sich nichts merken, und gefälschte Websites können nichts stehlen.
passkey-add = Passkey hinzufügen
passkey-add-lead = Ihr Gerät oder Ihr Passwortmanager bewahrt ihn auf und fragt beim Anmelden nach Fingerabdruck, Gesicht oder PIN. Danach reicht Ihr Passwort allein nicht mehr aus.
passkey-add-button = Passkey hinzufügen
passkey-step-codes = Speichern Sie zuerst Ihre Wiederherstellungscodes
passkey-step-add = Fügen Sie den Passkey hinzu
passkey-step-add-how = Ihr Browser fragt, wo er ihn aufbewahren soll.
passkey-too-many = Sie haben die Höchstzahl von 20 Passkeys erreicht. Entfernen Sie zuerst einen.
passkey-synced = Auf Ihren Geräten synchronisiert
passkey-not-synced-yet = Noch nicht synchronisiert
passkey-this-device = Nur auf einem Gerät
passkey-used = Zuletzt verwendet { $ago }
passkey-unused = Noch nicht verwendet
passkey-created = Hinzugefügt am
passkey-change = Passkey { $name } ändern
passkey-change-short = Ändern
passkey-rename = Namen speichern
passkey-remove = Passkey entfernen
passkey-remove-how = Wenn Sie ihn entfernen, können Sie sich damit nicht mehr anmelden, und alle anderen Geräte werden abgemeldet.
totp = Authenticator-App
totp-lead = Ein Code aus einer App auf Ihrem Telefon, als zweiter Schritt nach dem Passwort.
totp-is-on = Aktiv
totp-set-up = Authenticator-App einrichten
totp-replace = Andere App einrichten
totp-remove = Entfernen
totp-remove-how = Wenn Sie sie entfernen, gelten ihre Codes nicht mehr, und alle anderen Geräte werden abgemeldet.
totp-set-up-lead = Von da an geben Sie Ihr Passwort und dann einen Code ein, den die App anzeigt.
totp-step-codes = 1. Speichern Sie Ihre Wiederherstellungscodes
totp-step-scan = 2. Scannen Sie den QR-Code
totp-step-scan-how = Verwenden Sie eine beliebige Authenticator-App, zum Beispiel die in Ihrem Passwortmanager.
totp-step-code = 3. Geben Sie den Code ein, den die App anzeigt
totp-secret = Sie können ihn nicht scannen? Geben Sie diesen Schlüssel in der App ein:
totp-open-app = In einer App auf diesem Gerät öffnen
totp-qr = QR-Code mit dem Schlüssel für Ihre Authenticator-App
totp-confirm = Aktivieren
codes = Wiederherstellungscodes
codes-lead = Damit kommen Sie in Ihr Konto, wenn Sie Ihr Telefon oder Ihren Passkey verlieren.
codes-left = { $count ->
        [0] Es ist kein Code übrig.
        [one] Es ist ein Code übrig.
       *[other] Es sind { $count } Codes übrig.
    }
codes-few = Wird knapp
codes-new = Neue Wiederherstellungscodes erstellen
codes-new-lead = Ihre alten Codes gelten, bis Sie zu diesen wechseln.
codes-save = Jeder Code gilt einmal. Bewahren Sie sie dort auf, wo Sie sie ohne Ihr Telefon finden: auf Papier oder in einem Passwortmanager.
codes-download = Herunterladen
codes-print = Drucken
codes-use = Gespeichert. Diese Codes verwenden
trusted = Vertrauenswürdige Geräte
trusted-lead = Auf diesen Geräten entfällt beim Anmelden der zweite Schritt.
trusted-until = Bis
trusted-end = Vertrauen entziehen
set-up = Schützen Sie Ihr Konto
set-up-lead = Dieser Dienst verlangt einen zweiten Schritt. Die Einrichtung dauert eine Minute und schützt Ihr Konto auch dann, wenn jemand Ihr Passwort erfährt.
set-up-passkey = Mit Fingerabdruck, Gesicht oder der PIN Ihres Geräts. Das geht am schnellsten.
set-up-passkey-button = Passkey einrichten
set-up-totp = Mit einem Code aus einer App auf Ihrem Telefon.
set-up-totp-button = App einrichten
set-up-other = Sie sind als { $username } angemeldet.
history = Letzte Aktivitäten
history-lead = Etwas kommt Ihnen unbekannt vor? Ändern Sie Ihr Passwort und melden Sie die Geräte ab, die Sie nicht kennen.
history-empty = Noch keine Aktivitäten.
history-devices = Geräte ansehen
history-password = Passwort ändern
history-newest = Neueste
history-older = Ältere
history-since = Erstmals:
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
session-first = Angemeldet am
session-last = Zuletzt aktiv { $ago }
session-end = Abmelden
session-end-of = Abmelden: { $device }, zuletzt aktiv { $ago }
sessions-end-others = Auf allen anderen Geräten abmelden
sessions-alone = Sie sind sonst nirgends angemeldet.
sessions-all = Alle { $count } anzeigen

download = Ihre Daten herunterladen
download-lead = Eine Kopie von allem, was wir über Sie gespeichert haben (JSON).
download-what = Die Datei enthält Ihr Profil, Ihre Geräte und Ihre Aktivitäten.
download-button = Meine Daten herunterladen
delete = Konto löschen
delete-lead = Sie werden sofort überall abgemeldet. Nach { $days ->
        [0] kurzer Zeit
        [one] einem Tag
       *[other] { $days } Tagen
    } werden Ihr Konto und alle zugehörigen Daten endgültig gelöscht. Melden Sie sich vorher an, um das abzubrechen.
delete-short = Sie können es sich noch eine Weile anders überlegen.
delete-confirm = Ja, mein Konto löschen
delete-button = Mein Konto löschen

## Apps

going-to = Weiter zu { $app }.
go-on = Einen Moment
go-on-lead = Sie sind auf dem Weg zur App.
go-on-link = Weiter
app-dead = Dieser Anmeldelink funktioniert nicht
app-dead-lead = Eine App hat Sie mit einem unvollständigen Link hierher geschickt. Gehen Sie zurück zur App, und versuchen Sie es noch einmal. Wenn das nicht hilft, sagen Sie es den Betreibern der App.
app-dead-unknown = Für die Entwickler der App: Die client_id ist hier nicht bekannt.
app-dead-redirect = Für die Entwickler der App: Die redirect_uri ist für diese App nicht registriert. Sie wird Zeichen für Zeichen verglichen.
app-dead-unreadable = Für die Entwickler der App: Die Beschreibung unter ihrer client_id kann nicht gelesen oder benutzt werden. Das Log des Servers sagt, warum.
app-dead-over = Diese Anmeldung hat zu lange gedauert oder ist schon abgeschlossen. Gehen Sie zurück zur App, und beginnen Sie neu.
consent = Zugriff auf Ihr Konto erlauben?
consent-lead = { $app } möchte Ihr Konto benutzen.
consent-learns = { $app } erfährt:
consent-may = { $app } darf:
consent-host = Danach geht es weiter zu { $host }.
consent-local = Danach geht es weiter zu einem Programm auf diesem Gerät. Jedes Programm hier kann sich { $app } nennen: Fahren Sie nur fort, wenn Sie dieses Programm gerade selbst gestartet haben.
consent-unregistered = Diese App hat hier niemand geprüft. Bekannt ist nur, dass { $host } sie beschreibt.
consent-yes = Erlauben
consent-no = Nicht erlauben
consent-other = Ihre Apps
learns-openid = dass Sie hier ein Konto haben, und dessen ID
learns-profile = Ihren Namen und Ihren Benutzernamen
learns-email = Ihre E-Mail-Adresse
learns-groups = zu welchen Gruppen Sie gehören
may-use = { $resource } in Ihrem Namen benutzen
may-scopes = In den Worten dieses Dienstes:
may-stay = den Zugang behalten, wenn Sie nicht da sind, bis Sie ihn unter „Apps“ beenden
scope-openid = die ID Ihres Kontos
scope-profile = Ihren Namen
scope-email = Ihre E-Mail-Adresse
scope-groups = Ihre Gruppen
scope-offline_access = das alles auch in Ihrer Abwesenheit
scope-resource = { $resource } in Ihrem Namen
connect-device = Ein Gerät verbinden
device-lead = Geben Sie den Code ein, den Ihr Fernseher oder ein anderes Gerät anzeigt.
user-code-hint = Acht Buchstaben, zum Beispiel BCDF-GHJK.
field-user-code = Code auf dem Gerät
device-next = Weiter
device-title = { $app } Zugang geben?
device-warning = Ein Gerät möchte Ihr Konto mit { $app } benutzen. Fahren Sie nur fort, wenn es vor Ihnen steht und diesen Code anzeigt. Wenn Ihnen jemand den Code geschickt hat, lehnen Sie ab.
device-code = Code
device-what = Gerät
device-where = Netzwerk
device-when = Gestartet
device-barred = Mit diesem Konto können Sie { $app } nicht benutzen
device-barred-lead = Nur manche der Leute hier dürfen das. Das Gerät weiß Bescheid. Fragen Sie die Betreiber, wenn Sie Zugang brauchen.
device-yes = Zugang geben
device-no = Ablehnen
network-unknown = Unbekannt
choose-username = Benutzernamen wählen
choose-username-lead = Sie haben sich bei { $provider } als { $label } angemeldet. Wählen Sie einen Benutzernamen, um hier Ihr Konto anzulegen.
choose-username-email = Ihre Adresse { $email } ist schon bestätigt.
choose-username-taken = Ein Konto hier hat Ihre Adresse schon. Wenn es Ihres ist, melden Sie sich stattdessen dort an, und verknüpfen Sie { $provider } auf der Seite „Sicherheit“.
choose-username-yes = Konto anlegen
choose-username-other = Sie haben schon ein Konto? Melden Sie sich an, und verknüpfen Sie { $provider } dann auf der Seite „Sicherheit“:
links = Weitere Anmeldewege
links-lead = Melden Sie sich mit einem Konto an, das Sie anderswo haben.
link-provider = { $provider } verknüpfen
link-used = zuletzt benutzt { $ago }
link-unused = noch nicht benutzt
link-since = verknüpft
link-remove = Trennen
link-remove-of = { $provider } trennen
confirm-with = Mit { $provider } bestätigen
choose-account = Welches Konto?
choose-lead = Sie können mit dem Konto, mit dem Sie angemeldet sind, zu { $app } weitergehen oder ein anderes benutzen.
choose-this = Weiter mit diesem Konto
choose-other = Anderes Konto benutzen
leave = Abmelden?
leave-lead = Sie werden hier abgemeldet. Manche Apps halten Sie angemeldet, bis Sie sich auch dort abmelden.
leave-lead-app = { $app } möchte Sie abmelden. Sie werden hier abgemeldet. Manche Apps halten Sie angemeldet, bis Sie sich auch dort abmelden.
leave-stay = Angemeldet bleiben
left = Sie sind abgemeldet
left-lead = Sie sind hier abgemeldet. Manche Apps halten Sie angemeldet, bis Sie sich auch dort abmelden.
apps = Apps
apps-lead = Apps, bei denen Sie sich mit Ihrem Konto angemeldet haben.
apps-none = Sie haben sich noch bei keiner App angemeldet.
app-last = Zuletzt benutzt
app-since = angemeldet am
app-signed-out = Zurzeit nicht angemeldet
app-agreed = Hat Zugriff auf: { $what }.
app-end = Abmelden
app-end-of = Von { $app } abmelden
app-remove = Entfernen
app-remove-of = { $app } entfernen
proxy-unknown = Der Server für die Anmeldung kennt diese Website nicht oder vertraut dem Proxy davor nicht. Sagen Sie es den Betreibern.
    .title = Diese Website ist nicht eingerichtet
proxy-denied = Sie sind angemeldet, aber Ihr Konto darf das nicht sehen. Fragen Sie die Betreiber dieser Website.
    .title = Kein Zugriff
    .link = Anderes Konto benutzen
proxy-sign-in = Melden Sie sich an, um weiterzugehen.
    .title = Anmelden
proxy-lost = Sie sind nicht angemeldet; das ist deshalb nicht angekommen. Öffnen Sie diese Website in einem anderen Tab, und melden Sie sich dort an. Gehen Sie dann hierher zurück, und schicken Sie es noch einmal ab.
    .title = Anmelden und noch einmal abschicken
proxy-failed = Die Anmeldung konnte in diesem Browser nicht beendet werden. Öffnen Sie die Seite noch einmal. Wenn das nicht hilft, prüfen Sie, ob Ihr Browser Cookies annimmt.
    .title = Das hat nicht funktioniert
    .link = Noch einmal versuchen

## Ein Passwort durch einen Link setzen

set-password = Passwort festlegen
set-password-lead = Für das Konto { $username }. Danach sind Sie überall abgemeldet.

## Felder, und was mit ihnen nicht stimmt

field-fullName = Vollständiger Name
field-username = Benutzername
field-password = Passwort
field-currentPassword = Aktuelles Passwort
field-newPassword = Neues Passwort
field-email = E-Mail-Adresse
field-identifier = Benutzername oder E-Mail-Adresse
field-new-email = Neue E-Mail-Adresse
field-code = Code
field-recoveryCode = Wiederherstellungscode
field-name = Name
error-prefix = Fehler:
summary = Bitte prüfen Sie:

username-missing = Geben Sie Ihren Benutzernamen ein
username-wrong-type = Der Benutzername muss eine Zeichenkette sein
username-too-short = Der Benutzername muss mindestens { $min } Zeichen lang sein
username-too-long = Der Benutzername darf höchstens { $max } Zeichen lang sein
username-forbidden-characters = Der Benutzername darf nur Buchstaben, Ziffern, Punkte, Binde- und Unterstriche enthalten
username-dot-at-end = Der Benutzername darf nicht mit einem Punkt beginnen oder enden
username-mixed-scripts = Der Benutzername darf nicht Buchstaben verschiedener Alphabete mischen
username-reserved = Dieser Benutzername ist nicht verfügbar. Wählen Sie einen anderen.
username-taken = Dieser Benutzername ist vergeben. Wählen Sie einen anderen.
fullName-missing = Geben Sie Ihren vollständigen Namen ein
fullName-wrong-type = Der vollständige Name muss eine Zeichenkette sein
fullName-too-long = Der vollständige Name darf höchstens { $max } Zeichen lang sein
fullName-forbidden-characters = Der vollständige Name muss sichtbare Zeichen und darf keine Steuerzeichen enthalten
password-missing = Geben Sie Ihr Passwort ein
password-wrong-type = Das Passwort muss eine Zeichenkette sein
password-too-short = Das Passwort muss mindestens { $min } Zeichen lang sein
password-too-long = Das Passwort ist zu lang: höchstens { $max } Bytes
password-too-common = Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein ungewöhnlicheres.
password-too-personal = Das Passwort darf nicht auf Ihrem Benutzernamen, Ihrem Namen oder dem Namen dieses Dienstes beruhen
password-wrong = Falsches Passwort. Versuchen Sie es noch einmal.
currentPassword-missing = Geben Sie Ihr aktuelles Passwort ein
currentPassword-wrong-type = Das aktuelle Passwort muss eine Zeichenkette sein
currentPassword-too-long = Das aktuelle Passwort ist zu lang: höchstens { $max } Bytes
currentPassword-wrong = Falsches Passwort. Versuchen Sie es noch einmal.
newPassword-missing = Geben Sie ein neues Passwort ein
newPassword-unchanged = Wählen Sie ein anderes als Ihr aktuelles Passwort
newPassword-wrong-type = Das neue Passwort muss eine Zeichenkette sein
newPassword-too-short = Das neue Passwort muss mindestens { $min } Zeichen lang sein
newPassword-too-long = Das neue Passwort ist zu lang: höchstens { $max } Bytes
newPassword-too-common = Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein ungewöhnlicheres.
newPassword-too-personal = Das Passwort darf nicht auf Ihrem Benutzernamen, Ihrem Namen oder dem Namen dieses Dienstes beruhen
confirmed-missing = Setzen Sie das Häkchen, um die Löschung zu bestätigen
refreshToken-missing = Das Refresh-Token fehlt
refreshToken-wrong-type = Das Refresh-Token muss eine Zeichenkette sein
refresh-wrong-type = Das muss true oder false sein
after-out-of-range = Verwenden Sie den Wert next der vorherigen Seite
limit-out-of-range = Das muss eine Zahl von 1 bis 200 sein
email-missing = Geben Sie Ihre E-Mail-Adresse ein
email-wrong-type = Die E-Mail-Adresse muss eine Zeichenkette sein
email-too-long = Die E-Mail-Adresse ist zu lang: höchstens { $max } Bytes
email-not-an-address = Geben Sie eine E-Mail-Adresse wie name@example.org ein
email-last-way-in = Ohne diese Adresse kommen Sie nicht mehr in Ihr Konto. Legen Sie zuerst ein Passwort fest.
identifier-missing = Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein
identifier-wrong-type = Das muss eine Zeichenkette sein
code-missing = Geben Sie den Code ein
code-wrong-type = Der Code muss eine Zeichenkette sein
code-wrong = Dieser Code ist falsch oder gilt nicht mehr. Prüfen Sie ihn und versuchen Sie es noch einmal.
challenge-missing = Die Challenge fehlt
challenge-wrong-type = Die Challenge muss eine Zeichenkette sein
challenge-wrong = Die Challenge ist verbraucht, abgelaufen oder nicht Ihre. Fordern Sie neue Optionen an
credential-missing = Das Credential fehlt
credential-wrong-type = Das Credential muss das JSON eines WebAuthn-Credentials sein
credential-wrong = Der Passkey konnte nicht geprüft werden
credential-taken = Dieser Passkey wird schon verwendet
credential-too-many = Es kann höchstens { $max } Passkeys geben
recoveryCode-missing = Geben Sie einen Wiederherstellungscode ein
recoveryCode-wrong-type = Der Wiederherstellungscode muss eine Zeichenkette sein
recoveryCode-wrong = Dieser Wiederherstellungscode ist falsch oder wurde schon verwendet. Prüfen Sie ihn oder nehmen Sie einen anderen.
recoveryCode-out-of-range = Senden Sie nur eines von code, recoveryCode und credential
code-out-of-range = Senden Sie nur eines von code, recoveryCode und credential
name-missing = Geben Sie einen Namen ein
name-wrong-type = Der Name muss eine Zeichenkette sein
name-too-long = Der Name darf höchstens { $max } Zeichen lang sein
name-forbidden-characters = Der Name muss sichtbare Zeichen enthalten und darf keine Steuerzeichen enthalten
factor-missing = Richten Sie zuerst einen zweiten Schritt ein
factor-last-way-in = Das ist die einzige Anmeldemöglichkeit. Legen Sie zuerst ein Passwort fest, oder fügen Sie einen Passkey hinzu.
factor-required = Ein zweiter Schritt wird hier verlangt. Richten Sie zuerst einen anderen ein.
stop-wrong-type = Das muss true oder false sein
token-missing = Das Token fehlt
token-wrong-type = Das Token muss eine Zeichenkette sein

## Was mit einem ganzen Formular nicht stimmt

form-invalid-credentials = Benutzername oder Passwort ist falsch. Versuchen Sie es noch einmal
form-invalid-or-unverified = Benutzername oder Passwort ist falsch, oder Ihre Adresse ist noch nicht bestätigt
form-invalid-passkey = Dieser Passkey hat nicht funktioniert. Versuchen Sie es noch einmal oder wählen Sie eine andere Anmeldemethode
form-second-factor = Dieses Konto braucht auch einen zweiten Schritt. Verwenden Sie eine der anderen Möglichkeiten auf dieser Seite
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
    .detail = Dafür müssen Sie angemeldet sein: mit einem Access-Token oder dem Cookie der Sitzung
problem-proof-too-old = Bestätigen Sie, dass Sie es sind
    .detail = Bestätigen Sie dafür, dass Sie es sind: bei /auth/confirm oder durch eine neue Anmeldung
problem-cross-origin = Anfrage von einer anderen Seite
    .detail = Anfragen, die etwas ändern, müssen von dieser Website kommen
problem-stale-form = Die Seite ist abgelaufen
    .detail = Das Formular gehört zu einer anderen Sitzung. Laden Sie die Seite neu und versuchen Sie es noch einmal
problem-not-found = Nicht gefunden
    .detail = Unter dieser Adresse gibt es nichts
problem-link-invalid = Dieser Link ist ungültig oder abgelaufen
    .detail = Fordern Sie einen neuen an
problem-invalid-code = Falscher Code
    .detail = Der Code oder der Passkey ist falsch oder gilt nicht mehr
problem-second-factor-required = Zweiter Faktor nötig
    .detail = Dieses Konto braucht einen zweiten Faktor. Verwenden Sie eine der Methoden oder richten Sie einen ein
page-second-factor-required = Ein zweiter Schritt ist nötig
    .detail = Richten Sie auf der Seite „Sicherheit“ einen zweiten Schritt ein oder bestätigen Sie, dass Sie es sind. Versuchen Sie es dann noch einmal
page-link-invalid = Dieser Link funktioniert nicht
    .detail = Er wurde schon verwendet, ist abgelaufen, oder ein anderer Link wurde danach geöffnet. Öffnen Sie den Link in der E-Mail noch einmal, oder fordern Sie einen neuen an
problem-method-not-allowed = Methode nicht erlaubt
    .detail = Verwenden Sie eine der Methoden in Allow
problem-request-timeout = Zeitüberschreitung
    .detail = Der Inhalt kam nicht rechtzeitig an
problem-content-too-large = Zu viel Inhalt
    .detail = Der Inhalt darf höchstens 16 KiB groß sein
problem-unsupported-media-type = Medientyp nicht unterstützt
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
    .detail = Vielleicht ist die Adresse falsch geschrieben, oder die Seite wurde verschoben
page-cross-origin = Diese Anfrage wurde blockiert
    .detail = Sie kam offenbar von einer anderen Website. Wenn Sie das tun wollten, öffnen Sie die Seite hier und versuchen Sie es noch einmal
page-stale-form = Diese Seite ist abgelaufen
    .detail = Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal. Wenn es wieder geschieht, erlauben Sie Cookies für diese Website
page-too-many-tries = Zu viele Versuche
    .detail = Warten Sie einen Augenblick und versuchen Sie es noch einmal
page-internal = Etwas ist schiefgegangen
    .detail = Der Fehler liegt bei uns. Bitte versuchen Sie es noch einmal. Wenn er wieder auftritt, nennen Sie dem Support die Anfrage-ID
page-unavailable = Vorübergehend nicht verfügbar
    .detail = Bitte versuchen Sie es gleich noch einmal
page-content-too-large = Zu viel Text
    .detail = Ihre Eingabe ist zu lang. Kürzen Sie sie und versuchen Sie es noch einmal
page-method-not-allowed = Diese Seite lässt sich nicht direkt öffnen
    .detail = Beginnen Sie auf der Startseite
page-malformed-form = Das hat nicht geklappt
    .detail = Was Ihr Browser geschickt hat, ließ sich nicht lesen. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal
page-malformed-body = Das hat nicht geklappt
    .detail = Was Ihr Browser geschickt hat, war unvollständig. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal
page-unsupported-media-type = Das hat nicht geklappt
    .detail = Was Ihr Browser geschickt hat, ließ sich nicht lesen. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal
page-request-timeout = Das hat zu lange gedauert
    .detail = Vielleicht ist Ihre Verbindung langsam. Prüfen Sie sie, gehen Sie dann zurück und versuchen Sie es noch einmal
page-unauthorized = Sie sind nicht angemeldet
    .detail = Melden Sie sich an und versuchen Sie es noch einmal
page-misdirected-request = Falsche Adresse
    .detail = Unter dieser Adresse gibt es diese Website nicht. Prüfen Sie die Adresse, oder fragen Sie den Betreiber
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
event-authn_login_fail = Anmeldung fehlgeschlagen: falsches Passwort oder falscher Code
event-authn_login_success-first_factor = Erster Schritt einer Anmeldung
event-authn_login_fail-second_factor = Anmeldung fehlgeschlagen: falscher Code im zweiten Schritt
event-authn_login_fail-passkey_counter = Anmeldung fehlgeschlagen: ein Passkey, der vielleicht kopiert wurde
event-authn_factor_added-totp = Authenticator-App eingerichtet
event-authn_factor_add_fail-totp = Falscher Code beim Einrichten einer Authenticator-App
event-authn_factor_removed-totp = Authenticator-App entfernt
event-authn_factor_added-passkey = Passkey hinzugefügt
event-authn_factor_changed-passkey = Passkey umbenannt
event-authn_factor_removed-passkey = Passkey entfernt
event-authn_factor_removed-operator = Zweiter Schritt entfernt
event-authn_factor_removed-mail = Zweiter Schritt mit einem Link entfernt
event-authn_factor_removed-unproven = Zweiter Schritt entfernt, weil ihn vielleicht jemand anders eingerichtet hat
event-authn_token_created-recovery_codes = Neue Wiederherstellungscodes erstellt
event-authn_token_used-recovery_code = Wiederherstellungscode verwendet
event-authn_token_created-factor_reset = Link zum Entfernen des zweiten Schritts angefordert
event-authn_token_revoked-factor_reset = Anfrage zum Entfernen des zweiten Schritts abgebrochen
event-authn_device_trusted = Gerät 30 Tage lang als vertrauenswürdig markiert
event-authn_device_untrusted = Gerät nicht mehr als vertrauenswürdig markiert
method-password = mit einem Passwort
method-email-code = mit einem Code per E-Mail
method-passkey = mit einem Passkey
method-password-totp = mit Passwort und Code einer App
method-password-recovery-code = mit Passwort und Wiederherstellungscode
method-password-passkey = mit Passwort und Passkey
method-password-trusted-device = mit Passwort, auf einem vertrauten Gerät
method-email-code-totp = mit Code per E-Mail und Code einer App
method-email-code-recovery-code = mit Code per E-Mail und Wiederherstellungscode
method-email-code-passkey = mit Code per E-Mail und Passkey
method-email-code-trusted-device = mit Code per E-Mail, auf einem vertrauten Gerät
method-identity = über einen anderen Anbieter
method-identity-mfa = über einen anderen Anbieter, in zwei Schritten
method-identity-totp = über einen anderen Anbieter und mit Code einer App
method-identity-recovery-code = über einen anderen Anbieter und mit Wiederherstellungscode
method-identity-passkey = über einen anderen Anbieter und mit Passkey
method-identity-trusted-device = über einen anderen Anbieter, auf einem vertrauten Gerät
event-session_expired-sign_out = Abgemeldet
event-authn_login_success-proof = Identität bestätigt
event-authn_login_fail-proof = Falsches Passwort oder falscher Code bei der Bestätigung
event-user_updated-full_name = Name geändert
event-authn_password_change = Passwort geändert
event-authn_password_change_fail = Passwort nicht geändert: aktuelles Passwort falsch
event-authn_token_created-password_link = Link zum Setzen eines Passworts erstellt
event-authn_password_change-password_link = Passwort über einen Link gesetzt
event-authn_token_created-reset = Ein Link zum Zurücksetzen des Passworts wurde angefordert
event-authn_token_created-email_code = Ein Code zum Anmelden wurde angefordert
event-authn_token_created-verify_email = Ein neuer Link zum Bestätigen der Adresse wurde angefordert
event-authn_password_change-removed = Passwort entfernt, weil es jemand anders gewählt haben könnte
event-user_updated-email_given = E-Mail-Adresse angegeben
event-user_updated-email_verified = E-Mail-Adresse bestätigt
event-user_updated-email_removed = E-Mail-Adresse entfernt
event-user_updated-email_disowned = Laut dem Inhaber der angegebenen Adresse gehört das Konto jemand anderem
event-user_updated-email_restored = Frühere E-Mail-Adresse zurückgeholt
event-session_renewed-refresh = Eine App hat ihren Zugang erneuert
event-authn_token_reuse = Der Zugang einer App wurde zweimal benutzt, ihre Sitzung wurde beendet
event-session_expired-ended = Ein Gerät wurde abgemeldet
event-session_expired-others_ended = Alle anderen Geräte wurden abgemeldet
event-session_expired-all_ended = Überall abgemeldet
event-user_archived-deletion = Löschung des Kontos beantragt
event-user_updated-deletion_undone = Löschung abgebrochen
event-user_archived-disabled = Konto gesperrt
event-user_updated-enabled = Konto wieder freigegeben
event-sensitive_read-data = Daten heruntergeladen
event-privilege_permissions_changed-joined = In eine Gruppe aufgenommen
event-privilege_permissions_changed-left = Aus einer Gruppe entfernt
event-crypto_key-made = Signaturschlüssel erzeugt
event-crypto_key-rotated = Signaturschlüssel gewechselt
event-crypto_key-compromised = Signaturschlüssel verworfen
event-app_created = App hinzugefügt
event-app_updated = App geändert
event-app_updated-secret = Neues Geheimnis für eine App
event-app_deleted = App entfernt
event-authn_login_success-app = Bei einer App angemeldet
event-authn_token_reuse-app = Ein Token einer App wurde zweimal benutzt; die App wurde abgemeldet
event-authz_change-consented = Einer App Zugriff gewährt
event-authn_login_fail-provider = Fehlgeschlagene Anmeldung über einen anderen Anbieter
event-authn_factor_added-identity = Weiteren Anmeldeweg verknüpft
event-authn_factor_removed-identity = Weiteren Anmeldeweg getrennt
event-authz_change-device_approved = Ein Gerät verbunden
event-authz_change-device_refused = Ein Gerät abgelehnt
event-authn_login_fail-device_code = Falscher Gerätecode
event-authn_login_fail_max-device_code = Zu viele falsche Gerätecodes
event-authz_change-taken_back = Eine App abgemeldet
event-session_expired-app = Von einer App abgemeldet
event-other = Sonstiges

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

## Mail

mail-foot = Sie erhalten diese E-Mail von { $brand }, weil es zu dieser Adresse eine Aktivität oder eine Anfrage gab.
mail-help = Hilfe: { $url }
mail-test = Ein Test von { $brand }
    .text = E-Mails von { $brand } kommen an. Sie müssen nichts tun.
mail-verify-email = Bestätigen Sie Ihre E-Mail-Adresse
    .text = Jemand hat diese Adresse für das Konto „{ $username }“ bei { $brand } angegeben. Wenn Sie das waren, bestätigen Sie sie. Der Link gilt einen Tag.
    .button = Adresse bestätigen
    .after = Wenn es nicht Ihr Konto ist, bestätigen Sie nicht. Tun Sie nichts, oder öffnen Sie den Link und wählen Sie „Nein, das ist nicht mein Konto“.
mail-email-taken = Sie haben schon ein Konto
    .text = Jemand wollte diese Adresse für das Konto „{ $username }“ bei { $brand } verwenden. Sie gehört aber schon zu Ihrem Konto.
    .button = Bei Ihrem Konto anmelden
    .after = Wenn Sie es nicht waren, müssen Sie nichts tun: Ihr Konto ist unverändert.
mail-email-changing = Ihre E-Mail-Adresse wird geändert
    .text = Für Ihr Konto „{ $username }“ bei { $brand } wurde eine neue E-Mail-Adresse angegeben. Diese hier bleibt, bis die neue bestätigt ist.
    .button = Ansehen, was geschehen ist
    .after = Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.
mail-email-changed = Ihre E-Mail-Adresse wurde geändert
    .text = Das Konto „{ $username }“ bei { $brand } hat jetzt eine andere E-Mail-Adresse. Hierher kommt keine Mail mehr.
    .button = Das war ich nicht: Adresse zurückholen
    .after = Der Link gilt 72 Stunden. Er meldet alle ab, und Sie können ein neues Passwort festlegen. Wenn Sie die Adresse selbst geändert haben, müssen Sie nichts tun.
mail-email-removed = Ihre E-Mail-Adresse wurde entfernt
    .text = Diese E-Mail-Adresse wurde aus dem Konto „{ $username }“ bei { $brand } entfernt. Hierher kommt keine Mail mehr.
    .button = Das war ich nicht: Adresse zurückholen
    .after = Der Link gilt 72 Stunden. Er meldet alle ab, und Sie können ein neues Passwort festlegen. Wenn Sie die Adresse selbst entfernt haben, müssen Sie nichts tun.
mail-reset-password = Neues Passwort festlegen
    .text = Jemand möchte für Ihr Konto „{ $username }“ bei { $brand } ein neues Passwort festlegen. Der Link ist 30 Minuten gültig und funktioniert nur einmal.
    .button = Neues Passwort festlegen
    .after = Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.
mail-no-account = Zu dieser Adresse gibt es kein Konto
    .text = Jemand hat versucht, mit dieser Adresse Zugang zu einem Konto bei { $brand } zu bekommen, aber kein Konto verwendet sie. Vielleicht haben Sie sich mit einer anderen registriert.
    .button = Konto anlegen
    .after = Wenn Sie es nicht waren, müssen Sie nichts tun.
mail-password-changed = Ihr Passwort wurde geändert
    .text = Das Passwort Ihres Kontos „{ $username }“ bei { $brand } wurde geändert, und alle anderen Geräte wurden abgemeldet.
    .button = Das war ich nicht: neues Passwort festlegen
    .after = Wenn Sie es waren, müssen Sie nichts tun.
mail-new-device = Neue Anmeldung bei Ihrem Konto
    .text = Jemand hat sich bei Ihrem Konto „{ $username }“ von { $brand } mit einem Gerät angemeldet, das wir noch nicht kennen.

        Gerät: { $device }. Netzwerk: { $network }. Zeit: { $time }.
    .button = Geräte ansehen
    .after = Wenn Sie es nicht waren, melden Sie das Gerät ab und ändern Sie Ihr Passwort.
mail-deletion-asked = Ihr Konto wird gelöscht
    .text = Ihr Konto „{ $username }“ bei { $brand } wird wie gewünscht am { $date } gelöscht. Melden Sie sich vorher an, um es zu behalten.
    .button = Anmelden und Konto behalten
    .after = Wenn Sie es nicht waren, melden Sie sich an und ändern Sie Ihr Passwort.
mail-deletion-undone = Ihr Konto bleibt bestehen
    .text = Die Löschung Ihres Kontos „{ $username }“ bei { $brand } wurde abgebrochen, weil Sie sich angemeldet haben.
    .button = Konto ansehen
    .after = Wenn Sie es nicht waren, ändern Sie sofort Ihr Passwort.
mail-email-restored = Ihre E-Mail-Adresse wurde ersetzt
    .text = Die frühere Adresse des Kontos „{ $username }“ bei { $brand } wurde wiederhergestellt. Diese Adresse gehört nicht mehr zum Konto, und alle Geräte wurden abgemeldet.
    .button = Neues Passwort festlegen
    .after = Wenn das Konto Ihnen gehört, bitten Sie um Hilfe: Jemand anders kann die E-Mails an die frühere Adresse lesen.
mail-sign-in-code = Ihr Code zum Anmelden
    .text = Geben Sie diesen Code dort ein, wo Sie ihn angefordert haben, um sich in Ihrem Konto „{ $username }“ bei { $brand } anzumelden. Er gilt 10 Minuten.
    .code = { $code }
    .after = Sagen Sie diesen Code niemandem. Wenn Sie ihn nicht angefordert haben, tun Sie nichts: Ohne ihn kommt niemand hinein.
mail-password-removed = Ihr Passwort wurde entfernt
    .text = Jemand hat sich in Ihrem Konto „{ $username }“ bei { $brand } mit einem Code angemeldet, den wir an diese Adresse geschickt haben. Weil jemand anders das Passwort gewählt haben könnte, haben wir es entfernt und alle anderen Geräte abgemeldet.
    .button = Neues Passwort festlegen
    .after = Wenn Sie keinen Code angefordert haben, prüfen Sie, wer sonst Ihre Mails lesen kann.
mail-wrong-tries = Viele fehlgeschlagene Anmeldeversuche
    .text = Bei Ihrem Konto „{ $username }“ von { $brand } gab es viele fehlgeschlagene Anmeldeversuche mit einem falschen Passwort oder Code. Weitere Versuche werden vorübergehend verlangsamt.

        Gerät: { $device }. Netzwerk: { $network }. Letzter Versuch: { $time }.
    .button = Konto ansehen
    .after = Wenn Sie es waren, müssen Sie nichts tun. Wenn nicht, achten Sie darauf, dass Sie dieses Passwort nirgends sonst verwenden.
mail-email-set = Der Betreiber hat Ihre E-Mail-Adresse geändert
    .text = Bei { $brand } hat der Betreiber die E-Mail-Adresse Ihres Kontos „{ $username }“ geändert oder entfernt. Hierher kommt keine E-Mail mehr.
    .after = Wenn Sie nicht darum gebeten haben, bitten Sie sofort um Hilfe.
mail-totp-added = Eine Authenticator-App wurde eingerichtet
    .text = Um sich bei Ihrem Konto „{ $username }“ bei { $brand } anzumelden, brauchen Sie jetzt einen Code aus der Authenticator-App, die gerade eingerichtet wurde. Codes aus einer früheren App gelten nicht mehr.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, melden Sie sich sofort an, entfernen Sie die App und ändern Sie Ihr Passwort.
mail-totp-removed = Ihre Authenticator-App wurde entfernt
    .text = Die Authenticator-App wurde aus Ihrem Konto „{ $username }“ bei { $brand } entfernt, und alle anderen Geräte wurden abgemeldet.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, melden Sie sich sofort an und ändern Sie Ihr Passwort.
mail-passkey-added = Ein Passkey wurde hinzugefügt
    .text = Der Passkey „{ $passkey }“ wurde Ihrem Konto „{ $username }“ bei { $brand } hinzugefügt.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, melden Sie sich sofort an, entfernen Sie den Passkey und ändern Sie Ihr Passwort.
mail-passkey-removed = Ein Passkey wurde entfernt
    .text = Der Passkey „{ $passkey }“ wurde aus Ihrem Konto „{ $username }“ bei { $brand } entfernt, und alle anderen Geräte wurden abgemeldet.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, melden Sie sich sofort an und ändern Sie Ihr Passwort.
mail-identity-linked = Ein neuer Anmeldeweg
    .text = { $provider } ({ $label }) wurde mit Ihrem Konto „{ $username }“ bei { $brand } verknüpft. Ab jetzt kann man sich damit anmelden.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, melden Sie sich sofort an und trennen Sie die Verknüpfung. Ändern Sie auch Ihr Passwort, falls Sie eines haben.
mail-identity-unlinked = Ein Anmeldeweg wurde entfernt
    .text = { $provider } ({ $label }) wurde von Ihrem Konto „{ $username }“ bei { $brand } getrennt, und alle anderen Geräte wurden abgemeldet.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, melden Sie sich sofort an, und ändern Sie Ihr Passwort, falls Sie eines haben.
mail-identities-removed = Weitere Anmeldewege wurden entfernt
    .text = Die anderen Anbieter, die mit Ihrem Konto „{ $username }“ bei { $brand } verknüpft waren, wurden getrennt, weil sie vielleicht jemand anderes verknüpft hat.
    .button = Anmelden und neu verknüpfen
    .after = Wenn Sie keine benutzen, brauchen Sie nichts zu tun.
mail-device-connected = Ein Gerät wurde mit Ihrem Konto verbunden
    .text = Sie haben „{ $app }“ auf einem Gerät Zugang zu Ihrem Konto „{ $username }“ bei { $brand } gegeben.

        Gerät: { $device }. Netzwerk: { $network }. Zeit: { $time }.
    .button = Apps ansehen
    .after = Wenn Sie das nicht waren, melden Sie die App ab, und ändern Sie Ihr Passwort, falls Sie eines haben.
mail-passkey-copied = Ein Passkey wurde vielleicht kopiert
    .text = Jemand wollte sich mit einem Ihrer Passkeys bei Ihrem Konto „{ $username }“ bei { $brand } anmelden, aber sein Nutzungszähler war niedriger als zuvor. Wir haben das abgelehnt, weil der Schlüssel vielleicht kopiert wurde.
    .button = Passkeys prüfen
    .after = Wenn es wieder geschieht, entfernen Sie diesen Passkey und fügen Sie einen neuen hinzu.
mail-recovery-codes = Sie haben neue Wiederherstellungscodes
    .text = Für Ihr Konto „{ $username }“ bei { $brand } wurden neue Wiederherstellungscodes erstellt. Die alten gelten nicht mehr.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, ändern Sie sofort Ihr Passwort.
mail-recovery-code-used = Ein Wiederherstellungscode wurde verwendet
    .text = Jemand hat einen Wiederherstellungscode Ihres Kontos „{ $username }“ bei { $brand } verwendet. { $count ->
            [0] Es ist keiner übrig.
            [1] Es ist einer übrig.
           *[other] Es sind { $count } übrig.
        }
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, ändern Sie Ihr Passwort und erstellen Sie neue Codes.
mail-factors-reset = Der zweite Schritt Ihres Kontos wurde entfernt
    .text = Die Authenticator-App, die Passkeys und die Wiederherstellungscodes Ihres Kontos „{ $username }“ bei { $brand } wurden entfernt, und alle Geräte wurden abgemeldet.
    .button = Anmelden und neue einrichten
    .after = Wenn Sie nicht darum gebeten haben, ändern Sie sofort Ihr Passwort und bitten Sie um Hilfe.
mail-reset-factors = Den zweiten Schritt Ihres Kontos entfernen?
    .text = Jemand, der Ihr Passwort kennt oder Ihre E-Mails liest, möchte die Authenticator-App, die Passkeys und die Wiederherstellungscodes Ihres Kontos „{ $username }“ bei { $brand } entfernen. Der Link gilt ab { $time } für 24 Stunden.
    .button = Entfernen oder abbrechen
    .after = Wenn Sie das nicht waren, öffnen Sie den Link jetzt und brechen Sie die Anfrage ab. Ändern Sie dann Ihr Passwort.
mail-wrong-codes = Falsche Codes im zweiten Schritt
    .text = Jemand hat bei der Anmeldung an Ihrem Konto „{ $username }“ bei { $brand } den ersten Schritt mit Ihrem Passwort oder einem Code aus Ihren E-Mails geschafft, danach aber falsche Codes eingegeben. Der Zugang wurde verweigert.

        Gerät: { $device }. Netzwerk: { $network }. Zeit: { $time }.
    .button = Konto prüfen
    .after = Wenn Sie das nicht waren, ändern Sie Ihr Passwort.
