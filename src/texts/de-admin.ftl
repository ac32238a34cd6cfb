
### Die Texte der Verwaltung.

## Der Verwaltungsbereich

admin-navigation = Verwaltung
admin-overview = Verwaltung
admin-people = Personen
admin-invitations = Einladungen
admin-groups = Gruppen
admin-apps = Apps
admin-trail = Prüfprotokoll
admin-outbox = Postausgang
admin-keys = API-Schlüssel
admin-webhooks = Webhooks
admin-settings = Einstellungen
admin-first-page = Erste Seite
admin-next-page = Nächste Seite
admin-any = Alle
admin-yes = Ja
admin-no = Nein
admin-none = Keine
admin-show = Anzeigen
admin-remove = Entfernen
admin-until = bis
admin-over = Beendet
admin-made-on = Erstellt
admin-by = von
admin-by-owner = dem Inhaber
admin-by-stranger = einer unbekannten Person
admin-by-operator = der Kommandozeile
admin-by-administrator = der Verwaltung
admin-by-api-key = API-Schlüssel
admin-by-server = dem Server
admin-once-password-link = Geben Sie diesen Link dem Inhaber des Kontos. Damit lässt sich innerhalb von 24 Stunden einmal ein Passwort festlegen. Er wird nur jetzt angezeigt.
admin-once-invitation = Geben Sie diesen Link der eingeladenen Person. Er wird nur jetzt angezeigt.
admin-once-secret = Das Client-Secret dieser App. Es wird nur jetzt angezeigt.
admin-once-key = Ihr neuer API-Schlüssel. Er wird nur jetzt angezeigt. Senden Sie ihn als Bearer-Token an /admin/api.
admin-once-webhook = Das Geheimnis, mit dem Nachrichten signiert werden. Es wird nur jetzt angezeigt.
admin-confirm-first = Bestätigen Sie zuerst, dass Sie es sind, um hier etwas zu ändern.
admin-confirm = Identität bestätigen
confirm-lead-admin = Sie ändern gleich etwas in der Verwaltung. Bestätigen Sie zuerst, dass Sie es sind.

## Die Übersicht

admin-attention = Zu erledigen
admin-all-fine = Es gibt nichts zu erledigen.
admin-attention-trail = Das Prüfprotokoll wurde verändert.
admin-attention-failed = { $count ->
        [one] Eine Zustellung wurde aufgegeben.
       *[other] { $count } Zustellungen wurden aufgegeben.
    }
admin-attention-deferred = { $count ->
        [one] Eine Zustellung ist fehlgeschlagen und wird wiederholt.
       *[other] { $count } Zustellungen sind fehlgeschlagen und werden wiederholt.
    }
admin-attention-webhooks = { $count ->
        [one] Ein Webhook wurde vom Empfänger geschlossen und erhält keine Nachrichten mehr.
       *[other] { $count } Webhooks wurden vom Empfänger geschlossen und erhalten keine Nachrichten mehr.
    }
admin-attention-keys = { $count ->
        [one] Ein API-Schlüssel läuft in den nächsten zwei Wochen ab.
       *[other] { $count } API-Schlüssel laufen in den nächsten zwei Wochen ab.
    }
admin-attention-keys-off = { $count ->
        [one] Ein API-Schlüssel ist außer Kraft, weil die Person, die ihn erstellt hat, diesen Server nicht mehr verwaltet.
       *[other] { $count } API-Schlüssel sind außer Kraft, weil die Personen, die sie erstellt haben, diesen Server nicht mehr verwalten.
    }
admin-attention-migrations = Eine Migration steht aus. Starten Sie den Server neu, um sie anzuwenden.
admin-attention-backup = In der letzten Woche wurde nichts gesichert. Führen Sie aus: latchkey backup DATEI
admin-attention-one-admin = Es gibt nur eine Person in der Verwaltung. Eine zweite kann helfen, wenn dieses Konto verloren geht.
admin-accounts = { $count ->
        [one] Ein Konto
       *[other] { $count } Konten
    }
admin-accounts-about = Etwa { $count } Konten
admin-by-hour = Letzte 24 Stunden
admin-by-day = Letzte 30 Tage
admin-figure-sign-ins = Anmeldungen
admin-figure-wrong-tries = Fehlgeschlagene Anmeldungen
admin-figure-sign-ups = Neue Konten
admin-figure-mail = Gesendete E-Mails
admin-as-table = Als Tabelle anzeigen
admin-when = Wann (UTC)
admin-nothing-yet = Nichts in diesem Zeitraum.

## Personen

admin-people-lead = Alle, die ein Konto haben.
admin-search = Name oder E-Mail-Adresse
admin-group = Gruppe
admin-state = Status
admin-state-active = Aktiv
admin-state-disabled = Gesperrt
admin-state-leaving = Wird gelöscht
admin-sort = Sortieren nach
admin-sort-username = Benutzername
admin-sort-newest = Neueste zuerst
admin-sort-oldest = Älteste zuerst
admin-nobody = Niemand gefunden.
admin-new-person = Neues Konto
admin-new-person-lead = Legen Sie ein Konto für jemanden an. Das Passwort wählt die Person selbst.
admin-make-person = Konto anlegen
admin-email-hint = Dorthin geht ein Link zum Festlegen des Passworts. Sie bürgen für diese Adresse.
admin-email-hint-no-mail = Dieser Server versendet keine E-Mails: Sie erhalten einen Link zum Weitergeben. Sie bürgen für diese Adresse.
admin-email-hint-change = Für eine neue Adresse bürgen Sie: Sie gilt als bestätigt. Die bisherige erhält eine Mitteilung.
admin-groups-hint = Namen, durch Leerzeichen getrennt. Eine Gruppe, die es noch nicht gibt, wird angelegt.
admin-back-to-people = Alle Personen
admin-id = ID
admin-unverified = Nicht bestätigt
admin-person = Person
admin-profile-lead = Wie die Person heißt, wohin E-Mails gehen und zu welchen Gruppen sie gehört.
admin-ways-in = Zugänge
admin-ways-in-lead = Wie die Person sich anmeldet. Passwörter sehen oder setzen Sie nie.
admin-has-password = Passwort
admin-has-totp = Authenticator-App
admin-passkeys = Passkeys
admin-codes-left = Übrige Wiederherstellungscodes
admin-linked = Andere Anmeldewege
admin-send-link = Link zum Festlegen des Passworts senden
admin-make-link = Link zum Festlegen des Passworts erstellen
admin-reset-factors = Zweite Faktoren entfernen
admin-reset-factors-lead = Nur für jemanden, der sie verloren hat. Vergewissern Sie sich, wer darum bittet. Die Authenticator-App, die Passkeys und die Wiederherstellungscodes werden entfernt, die Person wird überall abgemeldet und erhält eine E-Mail.
admin-devices = Geräte
admin-no-sessions = Nirgends angemeldet.
admin-more = { $count ->
        [one] und ein weiteres
       *[other] und { $count } weitere
    }
admin-sign-out = Überall abmelden
admin-all-events = Alle Ereignisse
admin-end = Sperren oder löschen
admin-end-lead = Ein gesperrtes Konto lässt sich nicht nutzen, bis es wieder freigegeben wird.
admin-leaving-on = Dieses Konto wird am { $date } gelöscht.
admin-enable = Konto freigeben
admin-keep = Konto behalten und freigeben
admin-disable = Konto sperren
admin-disable-lead = { $username } wird sofort überall abgemeldet und kann sich nicht mehr anmelden.
admin-delete = Konto löschen
admin-delete-lead = { $username } wird sofort abgemeldet und gesperrt. Das Konto und alle Daten werden nach einer Frist endgültig gelöscht; bis dahin können Sie es behalten.
saved-admin-made = Konto angelegt.
saved-admin-disabled = Konto gesperrt und überall abgemeldet.
saved-admin-enabled = Konto freigegeben.
saved-admin-signed-out = Überall abgemeldet.
saved-admin-link-sent = Ein Link zum Festlegen des Passworts ist unterwegs.
saved-admin-link-made = Link erstellt.
saved-admin-factors-reset = Zweite Faktoren entfernt und überall abgemeldet.
saved-admin-no-factors = Dieses Konto hatte keinen zweiten Faktor.
saved-admin-dismissed = Konto gesperrt. Nach der Frist wird es gelöscht.
saved-admin-changed = Gespeichert.
saved-admin-unchanged = Das war bereits geschehen.

## Einladungen

admin-invitations-lead = Links, mit denen sich jemand registrieren kann. Sie gelten nicht mehr, wenn die Person, die sie erstellt hat, nicht mehr zur Verwaltung gehört.
admin-invite = Einladen
admin-invite-lead = Per E-Mail oder mit einem Link, den Sie weitergeben.
admin-invite-email-hint = Die Einladung geht dorthin und bestätigt diese Adresse. Leer lassen für einen bloßen Link.
admin-invite-email-hint-no-mail = Die Einladung gilt für diese Adresse. Dieser Server versendet aber keine E-Mails: Geben Sie den Link selbst weiter. Leer lassen für alle, die den Link haben.
admin-expires-hint = Wie lange sie gilt, zum Beispiel 12h oder 7d.
admin-uses-hint = Wie oft der Link verwendet werden kann. Eine Einladung an eine Adresse gilt einmal.
admin-note-hint = Nur für die Verwaltung sichtbar.
admin-no-invitations = Es gibt keine Einladungen.
admin-sign-up-closed = Auf diesem Server kann sich niemand registrieren (SIGN_UP=closed). Legen Sie Konten unter Personen an.
admin-link-invitation = Link
admin-invited-on = Erstellt
admin-used = { $count ->
        [0] noch nicht verwendet
        [one] einmal verwendet
       *[other] { $count }-mal verwendet
    }
admin-uses-left = { $count ->
        [one] noch einmal verwendbar
       *[other] noch { $count }-mal verwendbar
    }
admin-used-up = aufgebraucht
admin-withdraw = Zurückziehen
saved-admin-invited = Einladung erstellt.
saved-admin-withdrawn = Einladung zurückgezogen.
saved-admin-invitation-gone = Diese Einladung wurde bereits entfernt.
invited = Sie sind eingeladen. Registrieren Sie sich.
invited-as = Sie sind eingeladen. Ihr Konto erhält die Adresse { $email }.
sign-up-closed-title = Registrierung geschlossen
sign-up-invited-title = Sie benötigen eine Einladung
sign-up-closed = Neue Konten legt das Team an, das diese Website betreibt. Wenden Sie sich dorthin.
sign-up-by-invitation = Bitten Sie das Team, das diese Website betreibt, um eine Einladung, und öffnen Sie den Link darin.
invited-taken = Die Adresse dieser Einladung gehört zu einem anderen Konto. Melden Sie sich dort an, oder geben Sie eine andere Adresse an.
invitation-over = Diese Einladung wurde bereits verwendet oder ist abgelaufen. Bitten Sie um eine neue.
invitation-over-open = Diese Einladung wurde bereits verwendet oder ist abgelaufen. Bitten Sie um eine neue, oder registrieren Sie sich ohne sie.

## Gruppen

admin-groups-lead = Namen, zu denen Konten gehören. Apps und geschützte Pfade können danach fragen.
admin-no-groups = Es gibt noch keine Gruppen.
admin-group-name-hint = 1 bis 64 Buchstaben, Ziffern, Bindestriche, Unterstriche und Punkte.
admin-new-group = Gruppe anlegen oder beschreiben
admin-new-group-lead = Auf der Seite einer Person legen Sie fest, zu welchen Gruppen sie gehört.
admin-save-group = Gruppe speichern
admin-members = { $count ->
        [one] ein Mitglied
       *[other] { $count } Mitglieder
    }
admin-members-more = mehr als { $count } Mitglieder
admin-group-admin = verwaltet diesen Server
admin-remove-group-lead = Alle Mitglieder verlassen { $group }. Apps, die danach fragen, lassen sie nicht mehr ein.
saved-admin-group-saved = Gruppe gespeichert.
saved-admin-group-removed = Gruppe entfernt.
saved-admin-gone = Das wurde bereits entfernt.

## Apps

admin-apps-lead = Wo Personen sich mit ihrem Konto anmelden.
admin-no-apps = Es gibt noch keine Apps.
admin-add-app = App hinzufügen
admin-add-app-lead = Eine App, die OpenID Connect spricht, oder eine hinter einem Reverse-Proxy.
admin-back-to-apps = Alle Apps
admin-app-dynamic = Nicht registriert
admin-app-dynamic-lead = Diese App beschreibt sich unter ihrer eigenen Adresse. Sie können sie entfernen.
admin-app-by-file = Diese App steht in APPS_FILE. Ändern Sie sie dort.
admin-app-name-hint = So wird die App angezeigt.
admin-client-id-hint = Leer lassen für eine zufällige ID.
admin-several-hint = Eine oder mehrere, durch Leerzeichen getrennt.
admin-backchannel-hint = Wo die App erfährt, dass sich jemand abgemeldet hat.
admin-app-groups-hint = Nur ihre Mitglieder haben Zugang. Leer: alle.
admin-host-hint = Der Ursprung einer App hinter einem Reverse-Proxy, zum Beispiel https://wiki.example.org
admin-rules-hint = Für Pfade hinter dem Proxy, durch Leerzeichen getrennt: /public=everybody /admin=group:editors+admins
admin-resources-hint = Empfänger, für die die App Zugriffstoken anfordern darf.
admin-serves-hint = Zielgruppen (Audiences), die diese App als API bedient.
admin-scopes-hint = Eigene Scopes.
admin-longest-hint = Nach welcher Zeit sich Personen für diese App erneut anmelden müssen, zum Beispiel 8h.
admin-jwks-hint = Wo die App ihre öffentlichen Schlüssel veröffentlicht, statt eines Geheimnisses.
admin-public-hint = Sie kann kein Geheimnis bewahren: Sie läuft im Browser oder auf Geräten.
admin-third-party-hint = Sie gehört jemand anderem: Personen werden um Zustimmung gebeten.
admin-device-hint = Sie meldet Personen auf Geräten ohne Browser oder Tastatur an.
admin-client-credentials-hint = Sie handelt für sich selbst, ohne eine Person.
admin-insecure-http-hint = Adressen mit http:// im lokalen Netz sind erlaubt.
admin-app-more = Weitere Optionen
admin-app-definition = Definition
admin-app-definition-lead = Laufende Server folgen innerhalb einer Sekunde.
admin-app-acts = Geheimnis und Entfernen
admin-connect = Verbinden
admin-connect-lead = Was Sie in der App eintragen.
admin-issuer = Aussteller
admin-discovery = Discovery
admin-secrets = Gültige Client-Secrets
admin-rotate = Neues Client-Secret erstellen
admin-rotate-lead = Das alte gilt noch einen Tag.
admin-remove-app = App entfernen
admin-remove-app-lead = Alle werden von { $app } abgemeldet, und niemand kann sich dort noch mit einem Konto dieses Servers anmelden.
saved-admin-app-added = App hinzugefügt.
saved-admin-app-changed = App geändert.
saved-admin-app-removed = App entfernt.
saved-admin-secret-made = Neues Client-Secret erstellt.
field-redirect_uris = Redirect-URIs
field-post_logout_redirect_uris = Redirect-URIs nach dem Abmelden
field-backchannel_logout_uri = URI für Back-Channel-Logout
field-host = Host hinter einem Proxy
field-rules = Regeln für Pfade
field-resources = Ressourcen
field-serves = Stellt bereit
field-scopes = Scopes
field-longest_session = Längste Sitzung
field-jwks_uri = JWKS-URI
field-id_token_alg = Signatur der ID-Token
field-client_id = Client-ID
field-public = Öffentlich
field-third_party = Drittanbieter
field-device = Geräteanmeldung
field-client_credentials = Client Credentials
field-insecure_http = Unverschlüsseltes HTTP
field-groups = Gruppen
field-expiresAt = Endet nach
field-uses = Verwendungen
field-note = Notiz
field-description = Beschreibung
field-url = URL
field-events = Ereignisse

## Das Protokoll

admin-trail-lead = Alles, was geschehen ist, jede Zeile mit der vorherigen verknüpft.
admin-trail-holds = Die neuesten { $rows } Zeilen sind unverändert.
admin-verify-all = Gesamtes Protokoll prüfen
admin-trail-broken = Das Protokoll wurde verändert:
admin-no-events = Keine Ereignisse.
admin-no-such-account = Es gibt kein Konto mit diesem Benutzernamen oder dieser ID.
admin-export = Gesamtes Protokoll herunterladen
admin-account = Konto
admin-event = Ereignis
admin-request-id = Anfrage-ID
admin-request = Gleiche Anfrage

## Der Postausgang

admin-outbox-lead = Was auf Zustellung wartet oder nach einem Tag aufgegeben wurde. Zugestelltes ist nicht mehr hier.
admin-outbox-empty = Der Postausgang ist leer.
admin-outbox-failed = Nur Aufgegebenes
admin-outbox-all = Alles
admin-retry = Erneut versuchen
admin-retry-all = Alles Aufgegebene erneut versuchen
admin-delivery-mail = E-Mail
admin-delivery-webhook = Webhook
admin-delivery-app-logout = Abmeldung von einer App
admin-given-up = Aufgegeben
admin-next-try = Nächster Versuch
admin-waits = Wartet
admin-tries = { $count ->
        [one] ein fehlgeschlagener Versuch
       *[other] { $count } fehlgeschlagene Versuche
    }
saved-admin-retried = Wird erneut versucht.
saved-admin-delivery-gone = Diese Zustellung ist nicht mehr im Postausgang.

## API-Schlüssel

admin-keys-lead = Für Programme, die die Verwaltungs-API nutzen. Schlüssel können die Verwaltung selbst nicht ändern.
admin-no-keys = Es gibt keine API-Schlüssel.
admin-new-key = Neuer API-Schlüssel
admin-new-key-lead = Geben Sie ihm so wenige Rechte wie möglich.
admin-key-name-hint = Wofür er verwendet wird.
admin-key-expires-hint = Zum Beispiel 90d. Leer lassen für einen Schlüssel ohne Ende.
admin-make-key = Schlüssel erstellen
admin-key-used = zuletzt verwendet { $ago }
admin-key-unused = nie verwendet
admin-maker-gone = außer Kraft: von jemandem ohne Verwaltungsrechte
admin-remove-key-lead = { $name } gilt sofort nicht mehr.
scopes-missing = Wählen Sie mindestens einen Scope
saved-admin-key-made = API-Schlüssel erstellt.
saved-admin-key-removed = API-Schlüssel entfernt.
saved-admin-key-gone = Dieser API-Schlüssel wurde bereits entfernt.

## Webhooks

admin-webhooks-lead = Programme, die erfahren, was mit Konten geschieht. Nachrichten sind signiert, wie standardwebhooks.com es beschreibt.
admin-no-webhooks = Es gibt keine Webhooks.
admin-add-webhook = Webhook hinzufügen
admin-add-webhook-lead = Sie erhalten das Geheimnis, mit dem sich Signaturen prüfen lassen.
admin-url-hint = Muss mit https:// beginnen, außer WEBHOOK_ALLOW nennt das Netz.
events-missing = Wählen Sie mindestens ein Ereignis
admin-webhook-closed = Besteht nicht mehr seit
admin-events-count = { $count ->
        [one] ein Ereignis
       *[other] { $count } Ereignisse
    }
admin-back-to-webhooks = Alle Webhooks
admin-test-webhook = Testnachricht senden
admin-remove-webhook-lead = Nachrichten, die noch warten, werden verworfen.
admin-messages = Letzte Nachrichten
admin-no-messages = Noch keine Nachrichten.
admin-delivered = zugestellt
admin-not-delivered = Nicht zugestellt
admin-tries-so-far = { $count ->
        [one] ein Versuch
       *[other] { $count } Versuche
    }
admin-resend = Erneut senden
admin-show-body = Nachricht anzeigen
admin-on-user-created = Ein Konto wurde angelegt
admin-on-user-updated = Name, Adresse, Gruppe oder Faktor wurde geändert
admin-on-user-disabled = Ein Konto wurde gesperrt
admin-on-user-enabled = Ein Konto wurde wieder freigegeben
admin-on-user-deletion-scheduled = Ein Konto soll gelöscht werden
admin-on-user-deleted = Ein Konto wurde endgültig gelöscht
admin-on-user-password-changed = Ein Passwort wurde geändert
admin-on-session-started = Jemand hat sich angemeldet
admin-on-session-ended = Jemand wurde abgemeldet
saved-admin-webhook-added = Webhook hinzugefügt.
saved-admin-webhook-removed = Webhook entfernt.
saved-admin-webhook-tested = Eine Testnachricht ist unterwegs.
saved-admin-message-resent = Die Nachricht ist erneut unterwegs.
saved-admin-webhook-gone = Dieser Webhook wurde entfernt oder geschlossen.

## Einstellungen

admin-settings-lead = Was auf dem antwortenden Knoten gilt. Ändern Sie es in der Umgebung oder in .env und starten Sie neu.

## Ereignisse

event-user_invited = Einladung erstellt
event-user_invited-withdrawn = Einladung zurückgezogen
event-privilege_permissions_changed-group_made = Gruppe angelegt
event-privilege_permissions_changed-group_described = Gruppe beschrieben
event-privilege_permissions_changed-group_removed = Gruppe entfernt
event-privilege_permissions_changed-api_key_made = API-Schlüssel erstellt
event-privilege_permissions_changed-api_key_removed = API-Schlüssel entfernt
event-webhook_created = Webhook hinzugefügt
event-webhook_deleted = Webhook entfernt
event-webhook_updated-tested = Webhook getestet
event-webhook_updated-resent = Nachricht eines Webhooks erneut gesendet
event-webhook_updated-closed = Ein Webhook hat sich abgemeldet
event-authz_fail-scope = Ein API-Schlüssel verlangte mehr, als er erlaubt
event-outbox_updated-retry = Zustellung erneut versucht
event-sensitive_read-audit = Prüfprotokoll heruntergeladen

## Fehler

problem-last-administrator = Die letzte Person in der Verwaltung
    .detail = Jemand muss diesen Server verwalten. Fügen Sie zuerst eine andere Person hinzu
problem-insufficient-scope = Unzureichender Scope
    .detail = Die Scopes dieses API-Schlüssels erlauben das nicht, und kein API-Schlüssel darf die Verwaltung ändern
problem-sign-up-closed = Registrierung geschlossen
    .detail = Neue Konten benötigen eine Einladung oder werden vom Team dieser Website angelegt
problem-idempotency-key-in-use = Idempotency-Key in Verwendung
    .detail = Eine Anfrage mit diesem Idempotency-Key läuft noch oder wurde abgebrochen. Versuchen Sie es gleich noch einmal, oder prüfen Sie, was sie bewirkt hat
problem-idempotency-key-reused = Idempotency-Key wiederverwendet
    .detail = Dieser Idempotency-Key gehörte zu einer anderen Anfrage. Verwenden Sie einen neuen
any-missing = Füllen Sie dieses Feld aus
any-wrong-type = Das hat den falschen Typ
any-too-short = Verwenden Sie mindestens { $min } Zeichen
any-too-long = Verwenden Sie höchstens { $max } Zeichen
any-forbidden-characters = Das enthält Zeichen, die nicht erlaubt sind
any-taken = Das ist bereits vergeben. Verwenden Sie etwas anderes
any-out-of-range = Dieser Wert ist hier nicht erlaubt
any-too-many = Es sind höchstens { $max } möglich
any-not-a-url = Geben Sie eine Adresse wie https://example.org/hook ein
any-inside = Diese Adresse liegt in Ihrem Netz. Nennen Sie das Netz in WEBHOOK_ALLOW, um sie zu erlauben
any-not-https = Die Adresse muss mit https:// beginnen, außer WEBHOOK_ALLOW nennt das Netz
groups-forbidden-characters = Verwenden Sie Namen aus 1 bis 64 Buchstaben, Ziffern, Bindestrichen, Unterstrichen und Punkten
expiresAt-out-of-range = Verwenden Sie eine Zeit wie 12h oder 7d, höchstens ein Jahr
uses-out-of-range = Verwenden Sie eine Zahl von 1 bis 10000. Eine Einladung an eine Adresse gilt einmal

## E-Mail

mail-deletion-by-operator = Ihr Konto wird gelöscht
    .text = Das Team von { $brand } hat Ihr Konto „{ $username }“ gesperrt. Am { $date } wird es mit allen Daten endgültig gelöscht.
    .button = { $brand } öffnen
    .after = Wenn Sie das für ein Versehen halten, wenden Sie sich vorher an das Team.
mail-set-password = Legen Sie ein Passwort fest
    .text = Das Team von { $brand } hat Ihnen diesen Link für Ihr Konto „{ $username }“ geschickt. Wählen Sie damit ein Passwort. Der Link gilt einmal, einen Tag lang.
    .button = Passwort festlegen
    .after = Wenn Sie das nicht erwartet haben, wenden Sie sich an das Team von { $brand }. Ihr Konto bleibt, wie es ist.
mail-invitation = Einladung zu { $brand }
    .text = Das Team von { $brand } lädt Sie ein, ein Konto anzulegen. Die Einladung gilt einmal, bis zum { $date }.
    .button = Registrieren
    .after = Wenn Sie { $brand } nicht kennen, müssen Sie nichts tun.
event-authn_login_fail_max = Zu viele fehlgeschlagene Anmeldungen: Versuche werden begrenzt
event-excess_rate_limit_exceeded = Zu viele Versuche: Anfragen werden begrenzt
event-malicious_cors = Ein Formular, das eine andere Website gesendet hat, wurde abgelehnt
event-user_deleted = Konto endgültig gelöscht
event-user_deleted-part = Ein Teil eines Kontos endgültig gelöscht
event-user_create_fail-taken = Registrierung abgelehnt: der Benutzername ist vergeben
event-authn_login_fail-token = Ein Token, ein Schlüssel oder ein Link, der nicht funktioniert
