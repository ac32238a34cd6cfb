### Everything people read, in English. The other files here use the same names.

language = English
page-title = { $title } – { $brand }
page-title-wrong = Error: { $title }
skip = Skip to content
account-navigation = Your account
languages = Language
json-routes = API
help = Help
credit = Powered by Latchkey
description = Sign in to your { $brand } account, or create one.
copy = Copy
copied = Copied

## Actions

sign-up = Create an account
sign-in = Sign in
sign-out = Sign out
save = Save

## The start page

home-title = Accounts for your app
home-heading = Accounts for your app, in one binary
home-lead = Latchkey gives your app sign-up, sign-in and account pages, and a JSON API for everything they do.
home-signed-in = You're signed in as
home-account = Go to your account
home-brand-heading = Your { $brand } account
home-brand-lead = Sign in to manage your profile, your password and your devices.
steps = Next steps
step-account = Create your account
step-account-how = Try the pages as the people who use your app will see them.
step-account-link = Open the sign-up page
step-name = Put your name on it
step-name-how = Save this as .env in the folder where Latchkey runs, then restart it.
step-mail = Let people help themselves
step-mail-how = With a mail server in .env, they can recover a forgotten password. Try it with MAIL_URL=file:mails.
step-app = Connect your app
step-app-how = Sign people in and read their profiles with a few requests.

## Signing up and in

sign-up-other = Already have an account?
sign-in-other = New to { $brand }?
password-hint = Use at least { $min } characters. Three or four random words work well.
password-met = Long enough.
username-hint = 3 to 32 letters, digits, dots, hyphens or underscores.
forgot-password = Forgot your password?
remember = Keep me signed in on this device
remember-hint = You'll stay signed in for up to { $days ->
        [one] one day
       *[other] { $days } days
    } without a visit. Don't use this on a shared computer.
remember-hint-hours = You'll stay signed in for up to { $hours ->
        [one] one hour
       *[other] { $hours } hours
    } without a visit. Don't use this on a shared computer.
remember-hint-short = You'll stay signed in for a short time. Don't use this on a shared computer.
show-password = Show password
hide-password = Hide password

## Confirming

confirm = Confirm it's you
confirm-lead = To protect your account, enter your password to continue.
confirm-lead-provider = To protect your account, sign in again to continue.
confirm-lead-no-password = To protect your account, sign in again to continue. We'll send you a code.
confirm-lead-passkey = To protect your account, use a passkey to continue.
confirm-lead-factors = To change how you sign in, confirm it's you.
confirm-passkey = Confirm with a passkey
confirm-lead-session = Enter your password to sign out of that device.
confirm-lead-sessions = Enter your password to sign out of all other devices.
confirm-lead-delete = Enter your password to delete your account.
confirm-lead-download = Enter your password to download your data.
confirm-lead-email = Enter your password to change your email address.
confirm-button = Confirm
confirm-cancel = Cancel

## Your account

profile = Profile
profile-title = Your profile
profile-account = Your account
profile-account-lead = Your username can't be changed.
email-lead = It lets you back in if you forget your password, and you can sign in with it.
email-hint = Optional. It lets you back in if you forget your password.
email-hint-required = We'll send you a link to confirm it before you can sign in.
email-is-verified = Confirmed
email-is-pending = Not confirmed yet
email-send = Send a confirmation link
email-again = Send the link again
email-remove = Remove your address
verify-email = Confirm your email address
verify-email-lead = Is { $address } yours? Confirm it to use it with your account.
verify-email-button = Confirm
verify-email-whose = Somebody gave { $address } for the account “{ $username }”. Did you create that account?
verify-email-mine = Yes, confirm the address
verify-email-not-mine = No, it isn't my account
restore-email = Bring your address back
restore-email-lead = The address of your account goes back to { $address }. All devices are signed out, and the password stops working. Then you set a new one.
restore-email-button = Bring it back
resend-title = Didn't get the confirmation link?
resend-lead = We'll send another one to the address that you signed up with. Look in your spam folder first.
resend-button = Send it again
code-title = Sign in with a code
code-lead = We'll send a code to the confirmed email address of your account.
code-send = Send the code
code-sent = If there is an account with a confirmed address, a code with 8 digits is on its way. It works for 10 minutes, in this browser only.
code-again = Send another code
passkey-failed = That didn't work, or was cancelled. Try again. Your device needs a screen lock or a PIN.
passkey-known = This device or password manager already has a passkey for your account.
no-passkeys-here = Passkeys need JavaScript and a recent browser.
no-passkeys-add = To add a passkey, use a recent browser with JavaScript switched on.
code-hint = The six digits that your authenticator app shows.
recovery-code-instead = Use a recovery code instead
second-factor = One more step
second-factor-lead = You're signing in as { $username }. Now confirm it's you.
use-passkey = Use a passkey
second-factor-button = Continue
second-factor-back = Sign in to another account
second-factor-lost = Don't have your passkey? Contact support to reset your second step.
trust = Trust this device for 30 days
trust-hint = You won't need this step here. Don't use this on a shared computer.
recover-by-mail = Lost your app, your passkeys and your codes?
recover-by-mail-how = We'll send a link to the confirmed email address of your account. It removes the second step, but for your safety it works only after 24 hours. Asking again starts the 24 hours anew.
recover-by-mail-button = Send the link
reset-factors = Remove the second step
reset-factors-lead = The authenticator app, the passkeys and the recovery codes of { $username } stop working, and all devices are signed out. After that, one step is enough to sign in.
reset-factors-wait = Someone asked to remove the second step from { $username }. You can do that from { $time } on: open the link in the email again then. If it wasn't you, cancel the request now.
reset-factors-button = Remove the second step
reset-factors-stop = Cancel the request, and keep the second step
offer-passkey = Sign in with your fingerprint next time?
offer-passkey-how = A passkey is quicker and safer than a password. Your device asks for your fingerprint, your face or its PIN.
offer-passkey-yes = Add a passkey
offer-passkey-no = Don't ask again
sign-in-by-code = Sign in with a code by email
with-provider = Continue with { $provider }
providers = Other ways to sign in
confirm-by-code = Sign in again with a code
forgot-title = Forgot your password?
forgot-lead = We'll send a link to the confirmed email address of your account. It works for 30 minutes.
forgot-button = Send the link
forgot-back = Back to sign-in
profile-change = Name
profile-change-lead = The name that people know you by.
security = Security
security-title = Security
security-lead = How you sign in, and recent activity.
sessions = Devices
sessions-title = Your devices
data = Data
data-title = Your data
overview = Overview
overview-edit = Change your name
overview-password = You sign in with a password.
overview-no-password = You have no password. You sign in with a code by email.
overview-password-since = Last changed on
overview-more = and { $count } more
overview-devices = { $count ->
        [one] You're signed in on this device only.
       *[other] You're signed in on { $count } devices.
    }
overview-sessions = Review your devices
overview-history = See all activity
username = Username
member-since = Member since
saved-name = Name updated.
saved-same-name = That's already your name.
saved-password = Password changed. You've been signed out everywhere else.
saved-app-taken-back = Signed out of that app.
saved-app-gone = That app was signed out already.
saved-device-approved = Your device is connected. You can go back to it.
saved-device-refused = The device was not let in.
saved-device-over = That device isn't waiting any more. Start again on the device.
saved-provider-away = That provider can't be reached right now. Try again in a few minutes, or use another way in.
saved-provider-wrong = That sign-in didn't work, and nothing has changed. Try again, or use another way in.
saved-provider-cancelled = Sign-in cancelled. You can try again, or use another way in.
saved-provider-lost = That sign-in took too long, or was started in another browser. Try again.
saved-provider-barred = You can't use that account right now. It may be disabled, or its email address isn't confirmed yet.
saved-provider-not-theirs = That isn't linked to your account, so it can't confirm that it's you.
saved-provider-no-proof = That provider didn't say that it had just checked who you are. Confirm it's you with your password or passkey.
saved-provider-no-sign-up = No account here is linked to that sign-in. Sign in another way first, then link it on the Security page.
saved-identity-linked = Linked. You can sign in with it from now on.
saved-identity-linked-already = That was linked to your account already.
saved-identity-linked-to-another = That is linked to another account here. Unlink it there first.
saved-identity-too-many = You've linked as many as you can. Unlink one first.
saved-identity-unlinked = Unlinked. You've been signed out everywhere else.
saved-session = Signed out of that device.
saved-session-gone = That device was already signed out.
saved-sessions = Signed out of all other devices.
saved-kept = Welcome back! We've cancelled the deletion of your account.
saved-set-password = Password saved. Sign in with your new password.
saved-deleted = You've been signed out everywhere. Your account will be deleted on { $date }. Sign in before then to keep it.
saved-download = Thank you. You can download your data now.
saved-not-done = Confirmed. Your earlier request wasn't carried out, so please try it again.
saved-over = You've been signed out. Sign in to continue.
saved-signed-out = You've signed out.
saved-welcome = Welcome! Your account is ready.
saved-email-given = We've sent you an email. Open the link in it to confirm your address.
saved-email-unchanged = That's already your address.
saved-email-removed = Email address removed.
saved-email-verified = Email address confirmed.
saved-email-disowned = Thank you. Your address is no longer part of that account.
saved-email-restored = Your address is back, and all devices are signed out. Now set a new password.
saved-verification-sent = If an address is waiting to be confirmed, an email is on its way. Look in your spam folder, too.
saved-to-verify = Your account has been created. Open the link that we've sent you to confirm your address, then sign in.
saved-taken-over = You're signed in. We removed the old password and signed out all other devices, because somebody else may have chosen it. Set a new one on the Security page.
saved-reset-sent = If there is an account, an email is on its way. Look in your spam folder, too.
saved-second-factor-over = That took too long, or there were too many wrong codes. Sign in again.
saved-few-codes = You're signed in. You have few recovery codes left: make new ones on the Security page.
saved-factor-reset-asked = If your account has a confirmed address, an email is on its way. The link in it works after 24 hours.
saved-totp-on = Your authenticator app is set up.
saved-set-up-goes-on = Thank you. Now set up your app.
saved-totp-off = Authenticator app removed. You've been signed out everywhere else.
saved-passkey-added = Passkey added. You can sign in with it from now on.
saved-passkey-renamed = Name saved.
saved-passkey-removed = Passkey removed. You've been signed out everywhere else.
saved-last-way-in = That's your only way in, so it stays. Set a password or add a passkey first.
saved-factor-required = This service requires a second step, so your last one stays. Set up another one first.
saved-passkey-name-refused = Use 1 to 64 characters for the name.
saved-codes-in-use = Your new recovery codes are in use. The old ones no longer work.
saved-device-distrusted = That device will be asked for the second step again.
saved-offer-declined = All right, we won't ask again. You can add a passkey on the Security page at any time.
saved-factors-removed = The second step is removed, and all devices are signed out. You can sign in without it.
saved-factor-reset-stopped = Request cancelled. Your second step stays on.

change-password = Change your password
change-password-lead = You'll stay signed in here and be signed out everywhere else.
passkey = Passkey
passkeys = Passkeys
passkeys-lead = Sign in with your fingerprint, your face or a PIN. Nothing to remember, and nothing that a fake site can steal.
passkey-add = Add a passkey
passkey-add-lead = Your device or password manager keeps it, and asks for your fingerprint, your face or a PIN when you sign in. After that, your password alone no longer signs you in.
passkey-add-button = Add a passkey
passkey-step-codes = First, save your recovery codes
passkey-step-add = Add the passkey
passkey-step-add-how = Your browser asks where to keep it.
passkey-too-many = You've reached the limit of 20 passkeys. Remove one first.
passkey-synced = Synced across your devices
passkey-not-synced-yet = Not synced yet
passkey-this-device = On one device only
passkey-used = Last used { $ago }
passkey-unused = Not used yet
passkey-created = Added on
passkey-change = Change the passkey { $name }
passkey-change-short = Change
passkey-rename = Save the name
passkey-remove = Remove the passkey
passkey-remove-how = If you remove it, you can't sign in with it any more, and all other devices are signed out.
totp = Authenticator app
totp-lead = A code from an app on your phone, as a second step after your password.
totp-is-on = On
totp-set-up = Set up an authenticator app
totp-replace = Set up another app
totp-remove = Remove it
totp-remove-how = If you remove it, its codes stop working, and all other devices are signed out.
totp-set-up-lead = From then on, you enter your password and then a code that the app shows.
totp-step-codes = 1. Save your recovery codes
totp-step-scan = 2. Scan the QR code
totp-step-scan-how = Use any authenticator app, such as the one in your password manager.
totp-step-code = 3. Enter the code that the app shows
totp-secret = Can't scan it? Enter this key in the app:
totp-open-app = Open it in an app on this device
totp-qr = QR code with the key for your authenticator app
totp-confirm = Switch it on
codes = Recovery codes
codes-lead = They let you in if you lose your phone or your passkey.
codes-left = { $count ->
        [0] No codes are left.
        [one] One code is left.
       *[other] { $count } codes are left.
    }
codes-few = Running low
codes-new = Make new recovery codes
codes-new-lead = Your old codes work until you switch to these.
codes-save = Each code works once. Keep them where you find them without your phone: on paper, or in a password manager.
codes-download = Download
codes-print = Print
codes-use = I've saved them. Use these codes
trusted = Trusted devices
trusted-lead = These devices skip the second step when you sign in.
trusted-until = Until
trusted-end = Stop trusting
set-up = Protect your account
set-up-lead = This service requires a second step. Setting one up takes a minute, and protects your account even if someone learns your password.
set-up-passkey = Use your fingerprint, your face or your device's PIN. This is the quickest way.
set-up-passkey-button = Set up a passkey
set-up-totp = Use a code from an app on your phone.
set-up-totp-button = Set up an app
set-up-other = You're signed in as { $username }.
history = Recent activity
history-lead = If you don't recognise something, change your password and sign out of the devices you don't know.
history-empty = No activity yet.
history-devices = Review devices
history-password = Change password
history-newest = Newest
history-older = Older
history-since = First time:
history-times = { $count } times
history-places =
    { $count ->
        [one] and one more place
       *[other] and { $count } more places
    }

sessions-lead = Sign out of any device you don't recognise, then change your password.
session-here = This device
session-active-now = Active now
session-unknown-device = Unknown device
device = { $browser } on { $system }
session-program = App or script
session-first = Signed in on
session-last = Last active { $ago }
session-end = Sign out
session-end-of = Sign out: { $device }, last active { $ago }
sessions-end-others = Sign out of all other devices
sessions-alone = You aren't signed in anywhere else.
sessions-all = Show all { $count }

download = Download your data
download-lead = Get a copy of everything we store about you (JSON).
download-what = The file holds your profile, your devices and your activity.
download-button = Download my data
delete = Delete your account
delete-lead = You'll be signed out everywhere right away. After { $days ->
        [0] a short while
        [one] one day
       *[other] { $days } days
    }, your account and all its data are permanently deleted. Sign in before then to cancel.
delete-short = You have some time to change your mind.
delete-confirm = Yes, delete my account
delete-button = Delete my account

## Apps

going-to = To continue to { $app }.
go-on = One moment
go-on-lead = You're on your way to the app.
go-on-link = Continue
app-dead = This sign-in link doesn't work
app-dead-lead = An app sent you here with a link that isn't complete. Go back to the app and try again. If that doesn't help, tell the people who run it.
app-dead-unknown = For the app's developers: the client_id is not known here.
app-dead-redirect = For the app's developers: the redirect_uri is not registered for this app. It is compared character by character.
app-dead-unreadable = For the app's developers: the description at its client_id can't be read or used. The server's log says why.
app-dead-over = This sign-in took too long, or was finished before. Go back to the app and start again.
consent = Allow access to your account?
consent-lead = { $app } wants to use your account.
consent-learns = { $app } will learn:
consent-may = { $app } may:
consent-host = You'll go on to { $host }.
consent-local = You'll go on to a program on this device. Any program here could call itself { $app }: go on only if you've just started it yourself.
consent-unregistered = Nobody here has checked this app. All we know is that { $host } describes it.
consent-yes = Allow
consent-no = Don't allow
consent-other = Your apps
learns-openid = that you have an account here, and its ID
learns-profile = your name and your username
learns-email = your email address
learns-groups = the groups you belong to
may-use = use { $resource } in your name
may-scopes = In that service's words:
may-stay = keep access while you're away, until you end it under Apps
scope-openid = your account ID
scope-profile = your name
scope-email = your email address
scope-groups = your groups
scope-offline_access = all this while you're away
scope-resource = { $resource } in your name
connect-device = Connect a device
device-lead = Type the code that your TV or other device shows.
user-code-hint = Eight letters, such as BCDF-GHJK.
field-user-code = Code on the device
device-next = Next
device-title = Let { $app } in?
device-warning = A device wants to use your account with { $app }. Go on only if it's in front of you and shows this code. If someone sent you the code, don't let it in.
device-code = Code
device-what = Device
device-where = Network
device-when = Started
device-barred = You can't use { $app } with this account
device-barred-lead = It's only for some of the people here. The device has been told. Ask the people who run this service if you need it.
device-yes = Let it in
device-no = Don't let it in
network-unknown = Unknown
choose-username = Choose a username
choose-username-lead = You've signed in at { $provider } as { $label }. Choose a username to create your account here.
choose-username-email = Your address { $email } is already confirmed.
choose-username-taken = An account here already has your address. If it's yours, sign in to it instead, and link { $provider } on the Security page.
choose-username-yes = Create account
choose-username-other = Already have an account? Sign in, then link { $provider } on the Security page:
links = Other ways to sign in
links-lead = Sign in with an account you have elsewhere.
link-provider = Link { $provider }
link-used = last used { $ago }
link-unused = not used yet
link-since = linked
link-remove = Unlink
link-remove-of = Unlink { $provider }
confirm-with = Confirm with { $provider }
choose-account = Which account?
choose-lead = You can go on to { $app } with the account you're signed in with, or use another one.
choose-this = Continue with this account
choose-other = Use another account
leave = Sign out?
leave-lead = You'll be signed out here. Some apps may keep you signed in until you sign out of them, too.
leave-lead-app = { $app } asks to sign you out. You'll be signed out here. Some apps may keep you signed in until you sign out of them, too.
leave-stay = Stay signed in
left = You're signed out
left-lead = You're signed out here. Some apps may keep you signed in until you sign out of them, too.
apps = Apps
apps-lead = Apps you've signed in to with your account.
apps-none = You haven't signed in to any app yet.
app-last = Last used
app-since = signed in on
app-signed-out = Not signed in now
app-agreed = Has access to: { $what }.
app-end = Sign out
app-end-of = Sign out of { $app }
app-remove = Remove
app-remove-of = Remove { $app }
proxy-unknown = The server that handles sign-ins doesn't know this site, or doesn't trust the proxy in front of it. Tell the people who run it.
    .title = This site isn't set up
proxy-denied = You're signed in, but your account may not see this. Ask the people who run this site.
    .title = No access
    .link = Use another account
proxy-sign-in = Sign in to go on.
    .title = Sign in
proxy-lost = You're not signed in, so this has not arrived. Open this site in another tab and sign in there. Then go back to this page, and send it again.
    .title = Sign in, and send it again
proxy-failed = The sign-in couldn't be finished in this browser. Open the site again. If that doesn't help, check that your browser accepts cookies.
    .title = That didn't work
    .link = Try again

## Setting a password by a link

set-password = Choose a password
set-password-lead = For the account { $username }. You'll be signed out everywhere.

## Fields, and what is wrong with them

field-fullName = Full name
field-username = Username
field-password = Password
field-currentPassword = Current password
field-newPassword = New password
field-email = Email address
field-identifier = Username or email address
field-new-email = New email address
field-code = Code
field-recoveryCode = Recovery code
field-name = Name
error-prefix = Error:
summary = Check the following:

username-missing = Enter your username
username-wrong-type = Username must be a string
username-too-short = Username must be at least { $min } characters long
username-too-long = Username must be at most { $max } characters long
username-forbidden-characters = Username can only contain letters, digits, dots, hyphens and underscores
username-dot-at-end = Username must not start or end with a dot
username-mixed-scripts = Username must not mix letters of different alphabets
username-reserved = That username isn't available. Try another.
username-taken = That username is taken. Try another.
fullName-missing = Enter your full name
fullName-wrong-type = Full name must be a string
fullName-too-long = Full name must be at most { $max } characters long
fullName-forbidden-characters = Full name must contain visible characters and no control characters
password-missing = Enter your password
password-wrong-type = Password must be a string
password-too-short = Password must be at least { $min } characters long
password-too-long = Password is too long: at most { $max } bytes
password-too-common = This password is too easy to guess. Choose a less common one.
password-too-personal = Your password can't be based on your username, your full name or the name of this service
password-wrong = Wrong password. Try again.
currentPassword-missing = Enter your current password
currentPassword-wrong-type = Current password must be a string
currentPassword-too-long = Current password is too long: at most { $max } bytes
currentPassword-wrong = Wrong password. Try again.
newPassword-missing = Enter a new password
newPassword-unchanged = Choose a password that is different from your current one
newPassword-wrong-type = New password must be a string
newPassword-too-short = New password must be at least { $min } characters long
newPassword-too-long = New password is too long: at most { $max } bytes
newPassword-too-common = This password is too easy to guess. Choose a less common one.
newPassword-too-personal = Your password can't be based on your username, your full name or the name of this service
confirmed-missing = Check the box to confirm
refreshToken-missing = The refresh token is missing
refreshToken-wrong-type = The refresh token must be a string
refresh-wrong-type = This must be true or false
after-out-of-range = Use the value of next from the page before
limit-out-of-range = This must be a number from 1 to 200
email-missing = Enter your email address
email-wrong-type = Email address must be a string
email-too-long = Email address is too long: at most { $max } bytes
email-not-an-address = Enter an email address like name@example.org
email-last-way-in = This address is the only way into your account. Set a password first.
identifier-missing = Enter your username or email address
identifier-wrong-type = This must be a string
code-missing = Enter the code
code-wrong-type = The code must be a string
code-wrong = This code is wrong or no longer works. Check it and try again.
challenge-missing = The challenge is missing
challenge-wrong-type = The challenge must be a string
challenge-wrong = The challenge was used, has expired, or isn't yours. Request new options
credential-missing = The credential is missing
credential-wrong-type = The credential must be the JSON of a WebAuthn credential
credential-wrong = The passkey couldn't be verified
credential-taken = This passkey is in use already
credential-too-many = There can be at most { $max } passkeys
recoveryCode-missing = Enter a recovery code
recoveryCode-wrong-type = The recovery code must be a string
recoveryCode-wrong = This recovery code is wrong or was used before. Check it, or use another one.
recoveryCode-out-of-range = Send only one of code, recoveryCode and credential
code-out-of-range = Send only one of code, recoveryCode and credential
name-missing = Enter a name
name-wrong-type = The name must be a string
name-too-long = The name must be at most { $max } characters long
name-forbidden-characters = The name must contain visible characters and no control characters
factor-missing = Set up a second step first
factor-last-way-in = This is the only way into the account. Set a password or add a passkey first.
factor-required = A second step is required here. Set up another one first.
stop-wrong-type = This must be true or false
token-missing = The token is missing
token-wrong-type = The token must be a string

## What is wrong with a whole form

form-invalid-credentials = Wrong username or password. Try again
form-invalid-or-unverified = Wrong username or password, or your address isn't confirmed yet
form-invalid-passkey = This passkey didn't work. Try again, or use another way
form-second-factor = This account needs a second step, too. Use one of the other ways on this page
form-stale = This page expired. Please try again. If it keeps happening, allow cookies for this site
form-busy = The service is busy. Wait a moment, then try again
form-too-many = { $minutes ->
        [one] Too many attempts. Try again in a minute
       *[other] Too many attempts. Try again in { $minutes } minutes
    }

## Problems

problem-invalid-input = Invalid input
    .detail = At least one field is missing, has the wrong type or breaks a rule
problem-malformed-json = Malformed JSON
    .detail = The body must be a single JSON value without duplicate names, nested at most 32 levels deep
problem-malformed-form = Malformed form
    .detail = The body isn't what the form on the page sends
problem-malformed-body = Malformed body
    .detail = The body is incomplete, or its length isn't clear
problem-username-taken = Username taken
    .detail = Username exists
problem-invalid-credentials = Invalid credentials
    .detail = Invalid Login Credentials
problem-unauthorized = Not signed in
    .detail = This needs a signed-in account: send an access token or the session cookie
problem-proof-too-old = Confirm who you are
    .detail = Confirm who you are to do this, at /auth/confirm or by signing in
problem-cross-origin = Cross-origin request
    .detail = Requests that change data must come from this site
problem-stale-form = The page expired
    .detail = The form belongs to another session. Reload the page and try again
problem-not-found = Not found
    .detail = There's nothing at this address
problem-link-invalid = This link doesn't work
    .detail = It has been used or has expired. Ask for a new one
problem-invalid-code = Wrong code
    .detail = The code or the passkey is wrong, or no longer works
problem-second-factor-required = Second factor required
    .detail = This account needs a second factor. Use one of the methods, or set one up
page-second-factor-required = A second step is needed
    .detail = Set up a second step on the Security page, or confirm it's you, then try again
page-link-invalid = This link doesn't work
    .detail = It has been used or has expired, or another link was opened in the meantime. Open the link in the email again, or ask for a new one
problem-method-not-allowed = Method not allowed
    .detail = Use one of the methods listed in Allow
problem-request-timeout = Request timeout
    .detail = The body didn't arrive in time
problem-content-too-large = Content too large
    .detail = The body must be at most 16 KiB
problem-unsupported-media-type = Unsupported media type
    .detail = The body must be application/json in UTF-8, and not compressed
problem-misdirected-request = Misdirected request
    .detail = This server doesn't answer for the requested host
problem-too-many-tries = Too many attempts
    .detail = Too many attempts. Try again after the number of seconds in Retry-After
problem-internal = Internal error
    .detail = Something went wrong. Please try again. If it continues, give support the request ID
problem-unavailable = Unavailable
    .detail = The service is busy. Try again in a moment

## The same, on the page that a person sees

page-not-found = Page not found
    .detail = The address may be mistyped, or the page has moved
page-cross-origin = This request was blocked
    .detail = It seems to come from another site. If you meant to do this, open the page here and try again
page-stale-form = This page expired
    .detail = Go back, reload the page and try again. If it keeps happening, allow cookies for this site
page-too-many-tries = Too many attempts
    .detail = Wait a moment, then try again
page-internal = Something went wrong
    .detail = It's our fault, not yours. Please try again. If it keeps happening, give support this request ID
page-unavailable = Temporarily unavailable
    .detail = Please try again in a moment
page-content-too-large = Too much text
    .detail = What you entered is too long. Shorten it and try again
page-method-not-allowed = This page can't be opened directly
    .detail = Start from the home page
page-malformed-form = That didn't work
    .detail = What your browser sent couldn't be read. Go back, reload the page and try again
page-malformed-body = That didn't work
    .detail = What your browser sent was incomplete. Go back, reload the page and try again
page-unsupported-media-type = That didn't work
    .detail = What your browser sent couldn't be read. Go back, reload the page and try again
page-request-timeout = That took too long
    .detail = Your connection may be slow. Check it, then go back and try again
page-unauthorized = You're not signed in
    .detail = Sign in, then try again
page-misdirected-request = Wrong address
    .detail = This site isn't available at this address. Check it, or ask the operator
problem-status = Status
problem-codes = Field codes
problem-routes = API documentation
problem-home = Go to home page
problem-again = Try again
problem-codes-lead = In errors, each invalid field has one of these codes:
docs-in-english = This page is in English only.
docs-contents = Contents
problem-request-id = Request ID:

## The history of an account

event-user_created = Account created
event-user_created-import = Account imported from another service
event-authn_login_success = Signed in
event-authn_login_fail = Failed sign-in: wrong password or code
event-authn_login_success-first_factor = First step of a sign-in
event-authn_login_fail-second_factor = Failed sign-in: wrong code in the second step
event-authn_login_fail-passkey_counter = Failed sign-in: a passkey that may have been copied
event-authn_factor_added-totp = Authenticator app set up
event-authn_factor_add_fail-totp = Wrong code while setting up an authenticator app
event-authn_factor_removed-totp = Authenticator app removed
event-authn_factor_added-passkey = Passkey added
event-authn_factor_changed-passkey = Passkey renamed
event-authn_factor_removed-passkey = Passkey removed
event-authn_factor_removed-operator = Second step removed
event-authn_factor_removed-mail = Second step removed with a link
event-authn_factor_removed-unproven = Second step removed, because somebody else may have set it up
event-authn_token_created-recovery_codes = New recovery codes made
event-authn_token_used-recovery_code = Recovery code used
event-authn_token_created-factor_reset = A link to remove the second step was requested
event-authn_token_revoked-factor_reset = The request to remove the second step was cancelled
event-authn_device_trusted = Device trusted for 30 days
event-authn_device_untrusted = Device no longer trusted
method-password = with a password
method-email-code = with a code by email
method-passkey = with a passkey
method-password-totp = with a password and an app's code
method-password-recovery-code = with a password and a recovery code
method-password-passkey = with a password and a passkey
method-password-trusted-device = with a password, on a trusted device
method-email-code-totp = with a code by email and an app's code
method-email-code-recovery-code = with a code by email and a recovery code
method-email-code-passkey = with a code by email and a passkey
method-email-code-trusted-device = with a code by email, on a trusted device
method-identity = with another provider
method-identity-mfa = with another provider, in two steps
method-identity-totp = with another provider and an app's code
method-identity-recovery-code = with another provider and a recovery code
method-identity-passkey = with another provider and a passkey
method-identity-trusted-device = with another provider, on a trusted device
event-session_expired-sign_out = Signed out
event-authn_login_success-proof = Confirmed it was you
event-authn_login_fail-proof = Wrong password or code when confirming it's you
event-user_updated-full_name = Name changed
event-authn_password_change = Password changed
event-authn_password_change_fail = Password not changed: wrong current password
event-authn_token_created-password_link = Link to set a password created
event-authn_password_change-password_link = Password set with a link
event-authn_token_created-reset = A link to reset the password was requested
event-authn_token_created-email_code = A code to sign in was requested
event-authn_token_created-verify_email = Another link to confirm the address was requested
event-authn_password_change-removed = Password removed, because somebody else may have chosen it
event-user_updated-email_given = Email address given
event-user_updated-email_verified = Email address confirmed
event-user_updated-email_removed = Email address removed
event-user_updated-email_disowned = The owner of the given address says that the account isn't theirs
event-user_updated-email_restored = Former email address brought back
event-session_renewed-refresh = An app renewed its access
event-authn_token_reuse = An app's access was used twice, so its session was ended
event-session_expired-ended = Signed out of a device
event-session_expired-others_ended = Signed out of all other devices
event-session_expired-all_ended = Signed out everywhere
event-user_archived-deletion = Account deletion requested
event-user_updated-deletion_undone = Account deletion cancelled
event-user_archived-disabled = Account disabled
event-user_updated-enabled = Account enabled
event-sensitive_read-data = Data downloaded
event-privilege_permissions_changed-joined = Added to a group
event-privilege_permissions_changed-left = Removed from a group
event-crypto_key-made = Signing keys made
event-crypto_key-rotated = Signing keys rotated
event-crypto_key-compromised = Signing key dropped
event-app_created = App added
event-app_updated = App changed
event-app_updated-secret = New secret for an app
event-app_deleted = App removed
event-authn_login_success-app = Signed in to an app
event-authn_token_reuse-app = A token of an app was used twice, so the app was signed out
event-authz_change-consented = Gave an app access
event-authn_login_fail-provider = Failed sign-in with another provider
event-authn_factor_added-identity = Linked another way to sign in
event-authn_factor_removed-identity = Unlinked another way to sign in
event-authz_change-device_approved = Connected a device
event-authz_change-device_refused = Refused a device
event-authn_login_fail-device_code = Wrong device code
event-authn_login_fail_max-device_code = Too many wrong device codes
event-authz_change-taken_back = Signed out of an app
event-session_expired-app = Signed out by an app
event-other = Other activity

## Times

ago-moment = a moment ago
ago-minutes = { $count ->
        [one] a minute ago
       *[other] { $count } minutes ago
    }
ago-hours = { $count ->
        [one] an hour ago
       *[other] { $count } hours ago
    }
ago-days = { $count ->
        [one] yesterday
       *[other] { $count } days ago
    }
date = { $day } { $month } { $year }
date-time = { $day } { $month } { $year }, { $time } UTC
clock = { $time } UTC
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

## Mail

mail-foot = You're receiving this from { $brand } because of activity or a request that concerns this address.
mail-help = Help: { $url }
mail-test = A test from { $brand }
    .text = Email from { $brand } works. There is nothing to do.
mail-verify-email = Confirm your email address
    .text = Somebody gave this address for the account "{ $username }" at { $brand }. If that was you, confirm it. The link works for a day.
    .button = Confirm the address
    .after = If it isn't your account, don't confirm. Do nothing, or open the link and choose "No, it isn't my account".
mail-email-taken = You already have an account
    .text = Somebody wanted to use this address for the account "{ $username }" at { $brand }, but it already belongs to your account.
    .button = Sign in to your account
    .after = If it wasn't you, there is nothing to do: your account is as it was.
mail-email-changing = Your email address is being changed
    .text = A new email address was given for your account "{ $username }" at { $brand }. This one stays until the new one is confirmed.
    .button = See what happened
    .after = If it wasn't you, change your password right away.
mail-email-changed = Your email address was changed
    .text = The account "{ $username }" at { $brand } now has another email address. No more mail will come here.
    .button = It wasn't me: bring this address back
    .after = The link works for 72 hours. It signs everyone out and lets you set a new password. If you changed the address yourself, there is nothing to do.
mail-email-removed = Your email address was removed
    .text = This email address was removed from the account "{ $username }" at { $brand }. No more mail will come here.
    .button = It wasn't me: bring this address back
    .after = The link works for 72 hours. It signs everyone out and lets you set a new password. If you removed the address yourself, there is nothing to do.
mail-reset-password = Set a new password
    .text = Somebody asked to set a new password for your account "{ $username }" at { $brand }. The link works once, for 30 minutes.
    .button = Set a new password
    .after = If it wasn't you, do nothing: your password stays as it is.
mail-no-account = There is no account with this address
    .text = Somebody tried to get into an account at { $brand } with this address, but no account uses it. You may have signed up with another one.
    .button = Create an account
    .after = If it wasn't you, there is nothing to do.
mail-password-changed = Your password was changed
    .text = The password of your account "{ $username }" at { $brand } was changed, and all other devices were signed out.
    .button = It wasn't me: set a new password
    .after = If it was you, there is nothing to do.
mail-new-device = New sign-in to your account
    .text = Somebody signed in to your account "{ $username }" at { $brand } from a device that we haven't seen before.

        Device: { $device }. Network: { $network }. Time: { $time }.
    .button = Review your devices
    .after = If it wasn't you, sign out that device and change your password.
mail-deletion-asked = Your account will be deleted
    .text = Your account "{ $username }" at { $brand } will be deleted on { $date }, as requested. Sign in before then to keep it.
    .button = Sign in to keep it
    .after = If it wasn't you, sign in and change your password.
mail-deletion-undone = Your account won't be deleted
    .text = The deletion of your account "{ $username }" at { $brand } was cancelled, because you signed in.
    .button = Review your account
    .after = If it wasn't you, change your password right away.
mail-email-restored = Your email address was replaced
    .text = The earlier address of the account "{ $username }" at { $brand } was restored. This address is no longer part of the account, and all devices were signed out.
    .button = Set a new password
    .after = If the account is yours, ask for help: somebody else can read the mail to the earlier address.
mail-sign-in-code = Your code to sign in
    .text = Enter this code where you asked for it, to sign in to your account "{ $username }" at { $brand }. It works for 10 minutes.
    .code = { $code }
    .after = Never tell anybody this code. If you didn't ask for it, do nothing: nobody can sign in without it.
mail-password-removed = Your password was removed
    .text = Somebody signed in to your account "{ $username }" at { $brand } with a code that we sent to this address. Because somebody else may have chosen the password, we removed it and signed out all other devices.
    .button = Set a new password
    .after = If you didn't ask for a code, check who else can read your mail.
mail-wrong-tries = Many failed attempts to sign in
    .text = Somebody has tried to sign in to your account "{ $username }" at { $brand } many times, with a wrong password or code. Further attempts are slowed down.

        Device: { $device }. Network: { $network }. Last attempt: { $time }.
    .button = Review your account
    .after = If it was you, there is nothing to do. If it wasn't, make sure that you use this password nowhere else.
mail-email-set = The operator changed your email address
    .text = At { $brand }, the operator changed or removed the email address of your account "{ $username }". No more mail will come here.
    .after = If you didn't ask for this, ask for help right away.
mail-totp-added = An authenticator app was set up
    .text = When you sign in to your account "{ $username }" at { $brand }, you now need a code from the authenticator app that was just set up. Codes from an earlier app no longer work.
    .button = Review your account
    .after = If it wasn't you, sign in right away, remove it and change your password.
mail-totp-removed = Your authenticator app was removed
    .text = The authenticator app was removed from your account "{ $username }" at { $brand }, and all other devices were signed out.
    .button = Review your account
    .after = If it wasn't you, sign in and change your password right away.
mail-passkey-added = A passkey was added
    .text = The passkey "{ $passkey }" was added to your account "{ $username }" at { $brand }.
    .button = Review your account
    .after = If it wasn't you, sign in right away, remove it and change your password.
mail-passkey-removed = A passkey was removed
    .text = The passkey "{ $passkey }" was removed from your account "{ $username }" at { $brand }, and all other devices were signed out.
    .button = Review your account
    .after = If it wasn't you, sign in and change your password right away.
mail-identity-linked = A new way to sign in
    .text = { $provider } ({ $label }) was linked to your account "{ $username }" at { $brand }, and can sign in to it from now on.
    .button = Review your account
    .after = If it wasn't you, sign in right away and unlink it, and change your password if you have one.
mail-identity-unlinked = A way to sign in was removed
    .text = { $provider } ({ $label }) was unlinked from your account "{ $username }" at { $brand }, and all other devices were signed out.
    .button = Review your account
    .after = If it wasn't you, sign in right away, and change your password if you have one.
mail-identities-removed = Other ways to sign in were removed
    .text = The other providers that were linked to your account "{ $username }" at { $brand } were unlinked, because somebody else may have linked them.
    .button = Sign in and link them again
    .after = If you use none, you need not do anything.
mail-device-connected = A device was connected to your account
    .text = You let "{ $app }" use your account "{ $username }" at { $brand } on a device.

        Device: { $device }. Network: { $network }. Time: { $time }.
    .button = Review your apps
    .after = If it wasn't you, sign out of that app, and change your password if you have one.
mail-passkey-copied = A passkey may have been copied
    .text = Somebody tried to sign in to your account "{ $username }" at { $brand } with one of your passkeys, but its usage counter was lower than before. We refused it, because the key may have been copied.
    .button = Review your passkeys
    .after = If it keeps happening, remove that passkey and add a new one.
mail-recovery-codes = You have new recovery codes
    .text = New recovery codes were made for your account "{ $username }" at { $brand }. The old ones no longer work.
    .button = Review your account
    .after = If it wasn't you, change your password right away.
mail-recovery-code-used = A recovery code was used
    .text = Somebody used a recovery code of your account "{ $username }" at { $brand }. { $count ->
            [0] None is left.
            [1] One is left.
           *[other] { $count } are left.
        }
    .button = Review your account
    .after = If it wasn't you, change your password and make new codes.
mail-factors-reset = The second step of your account was removed
    .text = The authenticator app, the passkeys and the recovery codes of your account "{ $username }" at { $brand } were removed, and all devices were signed out.
    .button = Sign in and set up new ones
    .after = If you didn't ask for this, change your password and ask for help right away.
mail-reset-factors = Remove the second step of your account?
    .text = Somebody who knows your password, or reads your mail, asked to remove the authenticator app, the passkeys and the recovery codes of your account "{ $username }" at { $brand }. The link works for 24 hours, starting { $time }.
    .button = Remove them, or cancel
    .after = If it wasn't you, open the link now and cancel the request. Then change your password.
mail-wrong-codes = Wrong codes in the second step
    .text = Somebody took the first step of a sign-in to your account "{ $username }" at { $brand }, with your password or a code from your mail, and then entered wrong codes. They didn't get in.

        Device: { $device }. Network: { $network }. Time: { $time }.
    .button = Review your account
    .after = If it wasn't you, change your password.
