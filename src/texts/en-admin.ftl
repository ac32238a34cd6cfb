
### The texts of administration.

## The admin area

admin-navigation = Administration
admin-overview = Administration
admin-people = People
admin-invitations = Invitations
admin-groups = Groups
admin-apps = Apps
admin-trail = Audit trail
admin-outbox = Outbox
admin-keys = API keys
admin-webhooks = Webhooks
admin-settings = Settings
admin-first-page = First page
admin-next-page = Next page
admin-any = Any
admin-yes = Yes
admin-no = No
admin-none = None
admin-show = Show
admin-remove = Remove
admin-until = until
admin-over = Ended
admin-made-on = Made
admin-by = by
admin-by-owner = the owner
admin-by-stranger = a stranger
admin-by-operator = the command line
admin-by-administrator = an administrator
admin-by-api-key = API key
admin-by-server = the server
admin-once-password-link = Give this link to the account's owner. It sets a password once, within 24 hours. It's shown only now.
admin-once-invitation = Give this link to the person you invite. It's shown only now.
admin-once-secret = The client secret of this app. It's shown only now.
admin-once-key = Your new API key. It's shown only now. Send it as a Bearer token to /admin/api.
admin-once-webhook = The secret that messages are signed with. It's shown only now.
admin-confirm-first = To change something here, first confirm it's you.
admin-confirm = Confirm it's you
confirm-lead-admin = You're about to change something as an administrator. Confirm it's you to continue.

## The overview

admin-attention = Needs attention
admin-all-fine = Nothing needs your attention.
admin-attention-trail = The audit trail is not as it was written.
admin-attention-failed = { $count ->
        [one] One delivery was given up.
       *[other] { $count } deliveries were given up.
    }
admin-attention-deferred = { $count ->
        [one] One delivery has failed and will be tried again.
       *[other] { $count } deliveries have failed and will be tried again.
    }
admin-attention-webhooks = { $count ->
        [one] One webhook was closed by its endpoint, and gets no more messages.
       *[other] { $count } webhooks were closed by their endpoints, and get no more messages.
    }
admin-attention-keys = { $count ->
        [one] One API key ends within two weeks.
       *[other] { $count } API keys end within two weeks.
    }
admin-attention-keys-off = { $count ->
        [one] One API key is off, because who made it no longer administers this server.
       *[other] { $count } API keys are off, because who made them no longer administers this server.
    }
admin-attention-migrations = A migration is pending. Restart the server to apply it.
admin-attention-backup = No backup in the last week. Run: latchkey backup FILE
admin-attention-one-admin = There is only one administrator. A second one can help if this account is lost.
admin-accounts = { $count ->
        [one] One account
       *[other] { $count } accounts
    }
admin-accounts-about = About { $count } accounts
admin-by-hour = Last 24 hours
admin-by-day = Last 30 days
admin-figure-sign-ins = Sign-ins
admin-figure-wrong-tries = Failed sign-ins
admin-figure-sign-ups = New accounts
admin-figure-mail = Emails sent
admin-as-table = Show as a table
admin-when = When (UTC)
admin-nothing-yet = Nothing in this time.

## People

admin-people-lead = Everybody who has an account.
admin-search = Name or email address
admin-group = Group
admin-state = State
admin-state-active = Active
admin-state-disabled = Disabled
admin-state-leaving = To be deleted
admin-sort = Sort by
admin-sort-username = Username
admin-sort-newest = Newest first
admin-sort-oldest = Oldest first
admin-nobody = Nobody matches.
admin-new-person = New account
admin-new-person-lead = Make an account for somebody. They choose the password themselves.
admin-make-person = Create the account
admin-email-hint = A link to set a password goes there. You vouch for this address.
admin-email-hint-no-mail = This server sends no email: you get a link to hand over. You vouch for this address.
admin-email-hint-change = You vouch for a new address: it counts as confirmed. The previous one gets a notice.
admin-groups-hint = Names with spaces between. A group that doesn't exist yet is made.
admin-back-to-people = All people
admin-id = ID
admin-unverified = Not confirmed
admin-person = Person
admin-profile-lead = What this person is called, where mail goes, and where they belong.
admin-ways-in = Ways in
admin-ways-in-lead = How this person signs in. You never see or set a password.
admin-has-password = Password
admin-has-totp = Authenticator app
admin-passkeys = Passkeys
admin-codes-left = Recovery codes left
admin-linked = Other ways to sign in
admin-send-link = Send a link to set a password
admin-make-link = Make a link to set a password
admin-reset-factors = Remove the second factors
admin-reset-factors-lead = Only for somebody who has lost them. Make sure who is asking. The authenticator app, the passkeys and the recovery codes are removed, the person is signed out everywhere and gets an email.
admin-devices = Devices
admin-no-sessions = Not signed in anywhere.
admin-more = { $count ->
        [one] and one more
       *[other] and { $count } more
    }
admin-sign-out = Sign out everywhere
admin-all-events = All events
admin-end = Block or delete
admin-end-lead = A disabled account can't be used until it's enabled again.
admin-leaving-on = This account will be deleted on { $date }.
admin-enable = Enable the account
admin-keep = Keep the account and enable it
admin-disable = Disable the account
admin-disable-lead = { $username } is signed out everywhere right away and can't sign in any more.
admin-delete = Delete the account
admin-delete-lead = { $username } is signed out and blocked right away. The account and all its data are permanently deleted after a grace period; until then, you can keep it.
saved-admin-made = Account created.
saved-admin-disabled = Account disabled, and signed out everywhere.
saved-admin-enabled = Account enabled.
saved-admin-signed-out = Signed out everywhere.
saved-admin-link-sent = A link to set a password is on its way.
saved-admin-link-made = Link made.
saved-admin-factors-reset = Second factors removed, and signed out everywhere.
saved-admin-no-factors = This account had no second factor.
saved-admin-dismissed = Account disabled. It will be deleted after the grace period.
saved-admin-changed = Saved.
saved-admin-unchanged = That was done already.

## Invitations

admin-invitations-lead = Links to sign up with. They stop working if whoever made them is no longer an administrator.
admin-invite = Invite
admin-invite-lead = By email, or with a link that you hand over.
admin-invite-email-hint = The invitation goes there and confirms this address. Leave it empty for a link alone.
admin-invite-email-hint-no-mail = The invitation is for this address, but this server sends no email: hand over the link yourself. Leave it empty for anyone who has the link.
admin-expires-hint = How long it works, such as 12h or 7d.
admin-uses-hint = How often the link can be used. An invitation to an address can be used once.
admin-note-hint = Only administrators see it.
admin-no-invitations = There are no invitations.
admin-sign-up-closed = Nobody can sign up on this server (SIGN_UP=closed). Make accounts under People.
admin-link-invitation = Link
admin-invited-on = Made
admin-used = { $count ->
        [0] not used yet
        [one] used once
       *[other] used { $count } times
    }
admin-uses-left = { $count ->
        [one] can be used once more
       *[other] can be used { $count } more times
    }
admin-used-up = used up
admin-withdraw = Withdraw
saved-admin-invited = Invitation made.
saved-admin-withdrawn = Invitation withdrawn.
saved-admin-invitation-gone = That invitation had already been removed.
invited = You're invited. Create your account.
invited-as = You're invited. Your account gets the address { $email }.
sign-up-closed-title = Sign-up is closed
sign-up-invited-title = You need an invitation
sign-up-closed = New accounts are made by the people who run this site. Ask them for one.
sign-up-by-invitation = Ask the people who run this site for an invitation, and open the link in it.
invited-taken = Another account has the address of this invitation. Sign in to it, or give another address.
invitation-over = This invitation has been used or has ended. Ask for a new one.
invitation-over-open = This invitation has been used or has ended. Ask for a new one, or sign up without it.

## Groups

admin-groups-lead = Names that accounts belong to. Apps and protected paths may ask for them.
admin-no-groups = There are no groups yet.
admin-group-name-hint = 1 to 64 letters, digits, hyphens, underscores and dots.
admin-new-group = Add or describe a group
admin-new-group-lead = People join and leave on their own page.
admin-save-group = Save the group
admin-members = { $count ->
        [one] one member
       *[other] { $count } members
    }
admin-members-more = more than { $count } members
admin-group-admin = administers this server
admin-remove-group-lead = All members leave { $group }. Apps that ask for it no longer let them in.
saved-admin-group-saved = Group saved.
saved-admin-group-removed = Group removed.
saved-admin-gone = It had already been removed.

## Apps

admin-apps-lead = What people sign in to with their account here.
admin-no-apps = There are no apps yet.
admin-add-app = Add an app
admin-add-app-lead = An app that speaks OpenID Connect, or one behind a reverse proxy.
admin-back-to-apps = All apps
admin-app-dynamic = Not registered
admin-app-dynamic-lead = This app describes itself at its own address. You can remove it.
admin-app-by-file = This app is declared in APPS_FILE. Change it there.
admin-app-name-hint = As people see it.
admin-client-id-hint = Leave it empty for a random one.
admin-several-hint = One or more, with spaces between.
admin-backchannel-hint = Where the app is told that somebody has signed out.
admin-app-groups-hint = Only their members get in. Empty: everybody does.
admin-host-hint = The origin of an app behind a reverse proxy, such as https://wiki.example.org
admin-rules-hint = For paths behind the proxy, with spaces between: /public=everybody /admin=group:editors+admins
admin-resources-hint = Audiences that the app may ask access tokens for.
admin-serves-hint = Audiences this app serves, if it is an API.
admin-scopes-hint = Scopes of its own.
admin-longest-hint = How long after signing in people must sign in again for this app, such as 8h.
admin-jwks-hint = Where the app publishes its public keys, instead of a secret.
admin-public-hint = It can't keep a secret: it runs in browsers or on devices.
admin-third-party-hint = It's somebody else's: people are asked for their consent.
admin-device-hint = It signs people in on devices without a browser or a keyboard.
admin-client-credentials-hint = It acts for itself, without a person.
admin-insecure-http-hint = Addresses with http:// inside a local network are allowed.
admin-app-more = More options
admin-app-definition = Definition
admin-app-definition-lead = Running servers follow within a second.
admin-app-acts = Secret and removal
admin-connect = Connect
admin-connect-lead = What you enter in the app.
admin-issuer = Issuer
admin-discovery = Discovery
admin-secrets = Client secrets that work
admin-rotate = Make a new client secret
admin-rotate-lead = The old one works for another day.
admin-remove-app = Remove the app
admin-remove-app-lead = Everybody is signed out of { $app }, and nobody can sign in to it with an account here.
saved-admin-app-added = App added.
saved-admin-app-changed = App changed.
saved-admin-app-removed = App removed.
saved-admin-secret-made = New client secret made.
field-redirect_uris = Redirect URIs
field-post_logout_redirect_uris = Redirect URIs after signing out
field-backchannel_logout_uri = Back-channel logout URI
field-host = Host behind a proxy
field-rules = Rules for paths
field-resources = Resources
field-serves = Serves
field-scopes = Scopes
field-longest_session = Longest session
field-jwks_uri = JWKS URI
field-id_token_alg = Signature of ID tokens
field-client_id = Client ID
field-public = Public
field-third_party = Third party
field-device = Device flow
field-client_credentials = Client credentials
field-insecure_http = Plain HTTP
field-groups = Groups
field-expiresAt = Ends after
field-uses = Uses
field-note = Note
field-description = Description
field-url = URL
field-events = Events

## The trail

admin-trail-lead = Everything that happened, each row linked to the one before it.
admin-trail-holds = The newest { $rows } rows are as they were written.
admin-verify-all = Check the whole trail
admin-trail-broken = The trail is broken:
admin-no-events = No events.
admin-no-such-account = There is no account with this username or ID.
admin-export = Download the whole trail
admin-account = Account
admin-event = Event
admin-request-id = Request ID
admin-request = Same request

## The outbox

admin-outbox-lead = What waits to be delivered, or was given up after a day. What was delivered is gone.
admin-outbox-empty = The outbox is empty.
admin-outbox-failed = Only what was given up
admin-outbox-all = Everything
admin-retry = Try again
admin-retry-all = Try everything that was given up again
admin-delivery-mail = Email
admin-delivery-webhook = Webhook
admin-delivery-app-logout = Sign-out of an app
admin-given-up = Given up
admin-next-try = Next try
admin-waits = Waiting
admin-tries = { $count ->
        [one] one failed try
       *[other] { $count } failed tries
    }
saved-admin-retried = On its way again.
saved-admin-delivery-gone = That delivery is no longer in the outbox.

## API keys

admin-keys-lead = For programs that use the admin API. Keys can't change administrators.
admin-no-keys = There are no API keys.
admin-new-key = New API key
admin-new-key-lead = Give it as little as it needs.
admin-key-name-hint = What uses it.
admin-key-expires-hint = Such as 90d. Leave it empty for a key that doesn't end.
admin-make-key = Create the key
admin-key-used = last used { $ago }
admin-key-unused = never used
admin-maker-gone = off: who made it no longer administers
admin-remove-key-lead = { $name } stops working at once.
scopes-missing = Choose at least one scope
saved-admin-key-made = API key created.
saved-admin-key-removed = API key removed.
saved-admin-key-gone = That API key had already been removed.

## Webhooks

admin-webhooks-lead = Programs that are told what happens to accounts. Messages are signed as standardwebhooks.com describes.
admin-no-webhooks = There are no webhooks.
admin-add-webhook = Add a webhook
admin-add-webhook-lead = You get the secret to check signatures with.
admin-url-hint = Must begin with https://, unless WEBHOOK_ALLOW names its network.
events-missing = Choose at least one event
admin-webhook-closed = Gone since
admin-events-count = { $count ->
        [one] one event
       *[other] { $count } events
    }
admin-back-to-webhooks = All webhooks
admin-test-webhook = Send a test message
admin-remove-webhook-lead = The messages that wait for it are dropped.
admin-messages = Latest messages
admin-no-messages = No messages yet.
admin-delivered = delivered
admin-not-delivered = Not delivered
admin-tries-so-far = { $count ->
        [one] one try
       *[other] { $count } tries
    }
admin-resend = Send again
admin-show-body = Show the message
admin-on-user-created = An account was made
admin-on-user-updated = A name, an address, a group or a factor changed
admin-on-user-disabled = An account was disabled
admin-on-user-enabled = An account was enabled again
admin-on-user-deletion-scheduled = An account is to be deleted
admin-on-user-deleted = An account was permanently deleted
admin-on-user-password-changed = A password was changed
admin-on-session-started = Somebody signed in
admin-on-session-ended = Somebody was signed out
saved-admin-webhook-added = Webhook added.
saved-admin-webhook-removed = Webhook removed.
saved-admin-webhook-tested = A test message is on its way.
saved-admin-message-resent = The message is on its way again.
saved-admin-webhook-gone = That webhook has been removed or is closed.

## Settings

admin-settings-lead = What is in force on the node that answers. Change it in the environment or in .env, and restart.

## Events

event-user_invited = Invitation made
event-user_invited-withdrawn = Invitation withdrawn
event-privilege_permissions_changed-group_made = Group made
event-privilege_permissions_changed-group_described = Group described
event-privilege_permissions_changed-group_removed = Group removed
event-privilege_permissions_changed-api_key_made = API key made
event-privilege_permissions_changed-api_key_removed = API key removed
event-webhook_created = Webhook added
event-webhook_deleted = Webhook removed
event-webhook_updated-tested = Webhook tested
event-webhook_updated-resent = Message of a webhook sent again
event-webhook_updated-closed = A webhook said that it is gone
event-authz_fail-scope = An API key asked for more than it allows
event-outbox_updated-retry = Delivery tried again
event-sensitive_read-audit = Audit trail downloaded

## Problems and errors

problem-last-administrator = The last administrator
    .detail = Somebody must administer this server. Make another administrator first
problem-insufficient-scope = Insufficient scope
    .detail = The scopes of this API key don't allow that, and no API key may change administrators
problem-sign-up-closed = Sign-up is closed
    .detail = New accounts need an invitation, or are made by the people who run this site
problem-idempotency-key-in-use = Idempotency key in use
    .detail = A request with this Idempotency-Key is still running, or was cut off. Try again in a moment, or check what it made
problem-idempotency-key-reused = Idempotency key reused
    .detail = This Idempotency-Key came with another request before. Use a new one
any-missing = Fill in this field
any-wrong-type = This has the wrong type
any-too-short = Use at least { $min } characters
any-too-long = Use at most { $max } characters
any-forbidden-characters = This contains characters that aren't allowed
any-taken = This is taken. Use another one
any-out-of-range = This value isn't allowed here
any-too-many = There can be at most { $max }
any-not-a-url = Enter an address such as https://example.org/hook
any-inside = This address is inside your network. Name the network in WEBHOOK_ALLOW to allow it
any-not-https = The address must begin with https://, unless WEBHOOK_ALLOW names its network
groups-forbidden-characters = Use names of 1 to 64 letters, digits, hyphens, underscores and dots
expiresAt-out-of-range = Use a time such as 12h or 7d, at most a year
uses-out-of-range = Use a number from 1 to 10000. An invitation to an address can be used once

## Mail

mail-deletion-by-operator = Your account will be deleted
    .text = The people who run { $brand } have blocked your account "{ $username }". On { $date } it will be permanently deleted, with all its data.
    .button = Open { $brand }
    .after = If you think this is a mistake, ask them before then.
mail-set-password = Set a password for your account
    .text = The people who run { $brand } sent you this link for your account "{ $username }". Choose a password with it. The link works once, within a day.
    .button = Set a password
    .after = If you didn't expect this, ask the people who run { $brand }. Your account stays as it is.
mail-invitation = You're invited to { $brand }
    .text = The people who run { $brand } invite you to create an account. The invitation works once, until { $date }.
    .button = Create your account
    .after = If you don't know { $brand }, there is nothing to do.
event-authn_login_fail_max = Too many failed sign-ins: tries are limited
event-excess_rate_limit_exceeded = Too many tries: requests are limited
event-malicious_cors = A form that another site sent was refused
event-user_deleted = Account permanently deleted
event-user_deleted-part = Part of an account permanently deleted
event-user_create_fail-taken = Sign-up refused: the username is taken
event-authn_login_fail-token = A token, a key or a link that doesn't work
