//! The default mails in the other languages of the pages.

use super::words::{Catalogue, mail};

pub(super) static ALL: [&Catalogue; 10] = [
    &GERMAN,
    &SPANISH,
    &FRENCH,
    &INDONESIAN,
    &ITALIAN,
    &JAPANESE,
    &KOREAN,
    &PORTUGUESE,
    &SIMPLIFIED,
    &TRADITIONAL,
];

static GERMAN: Catalogue = Catalogue {
    lang: "de",
    sign_in: mail("Ihr Anmeldecode", "Ihr Anmeldecode ist {####}."),
    verification: mail("Ihr Bestätigungscode", "Ihr Bestätigungscode ist {####}."),
    link: mail("Ihr Bestätigungslink", "Öffnen Sie den Link, um Ihre E-Mail-Adresse zu bestätigen."),
    account_exists: mail(
        "Sie haben schon ein Konto",
        "Mit dieser Adresse haben Sie schon ein Konto. Melden Sie sich an, statt sich zu registrieren.",
    ),
    guesses_used_up: mail(
        "Für Ihr Konto wurden falsche Codes versucht",
        "Jemand hat heute mehrere falsche Anmeldecodes für Ihr Konto versucht. Vorerst werden keine neuen Codes \
         gesendet. Niemand kam damit hinein.",
    ),
    second_factor_added: mail(
        "Ihre Anmeldung hat einen zweiten Schritt",
        "Zur Anmeldung bei Ihrem Konto kam ein zweiter Schritt hinzu. Wenn Sie das nicht waren, sagen Sie es den \
         Betreibern dieses Dienstes.",
    ),
    passkey_added: mail(
        "Ihrem Konto wurde ein Passkey hinzugefügt",
        "Ihrem Konto wurde ein Passkey hinzugefügt. Wer ihn hat, kann sich als Sie anmelden. Wenn Sie das nicht waren, \
         melden Sie sich an, entfernen Sie ihn und sagen Sie es den Betreibern des Dienstes.",
    ),
    to_sign_in: "Er gilt {time}, nur um sich bei {app} anzumelden.",
    to_confirm_account: "Er gilt {time}, nur um Ihr neues Konto bei {app} zu bestätigen.",
    to_confirm_address: "Er gilt {time}, nur um diese Adresse bei {app} zu bestätigen.",
    to_set_password: "Er gilt {time}, nur um bei {app} ein neues Passwort festzulegen.",
    ignore_code: "Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail. Ohne den Code kann sich niemand \
                  anmelden, und niemand von uns wird Sie danach fragen.",
    link_works: "Der Link gilt {time}, ein einziges Mal.",
    link_confirms: "Er bestätigt Ihr neues Konto bei {app}. Wenn Sie das nicht angefordert haben, ignorieren Sie diese \
                    E-Mail.",
    asked_at: "Angefordert um {at}.",
    asked_from: "Angefordert um {at} von {browser}.",
    browser_on: "{browser} unter {system}",
    minutes: ["1 Minute", "{n} Minuten"],
    hours: ["1 Stunde", "{n} Stunden"],
    days: ["1 Tag", "{n} Tage"],
};

static SPANISH: Catalogue = Catalogue {
    lang: "es",
    sign_in: mail("Su código de inicio de sesión", "Su código de inicio de sesión es {####}."),
    verification: mail("Su código de verificación", "Su código de verificación es {####}."),
    link: mail("Su enlace de verificación", "Abra el enlace para verificar su dirección de correo."),
    account_exists: mail(
        "Ya tiene una cuenta",
        "Ya tiene una cuenta con esta dirección. Para entrar, inicie sesión en lugar de registrarse.",
    ),
    guesses_used_up: mail(
        "Se han probado códigos erróneos para su cuenta",
        "Alguien ha probado hoy varios códigos de inicio de sesión erróneos para su cuenta. Por ahora no se envían \
         códigos nuevos. Nadie ha entrado con ellos.",
    ),
    second_factor_added: mail(
        "Su inicio de sesión tiene un segundo paso",
        "Se ha añadido un segundo paso al inicio de sesión de su cuenta. Si no ha sido usted, avise a quienes operan \
         este servicio.",
    ),
    passkey_added: mail(
        "Se ha añadido una llave de acceso a su cuenta",
        "Se ha añadido una llave de acceso a su cuenta. Quien la tenga puede iniciar sesión como usted. Si no ha sido \
         usted, inicie sesión, elimínela y avise a quienes operan el servicio.",
    ),
    to_sign_in: "Sirve durante {time}, solo para iniciar sesión en {app}.",
    to_confirm_account: "Sirve durante {time}, solo para confirmar su cuenta nueva en {app}.",
    to_confirm_address: "Sirve durante {time}, solo para confirmar esta dirección en {app}.",
    to_set_password: "Sirve durante {time}, solo para elegir una contraseña nueva en {app}.",
    ignore_code: "Si no lo ha pedido, ignore este correo. Nadie puede iniciar sesión sin el código, y nadie de los \
                  nuestros se lo pedirá.",
    link_works: "El enlace sirve durante {time}, una sola vez.",
    link_confirms: "Confirma su cuenta nueva en {app}. Si no lo ha pedido, ignore este correo.",
    asked_at: "Pedido a las {at}.",
    asked_from: "Pedido a las {at} desde {browser}.",
    browser_on: "{browser} en {system}",
    minutes: ["1 minuto", "{n} minutos"],
    hours: ["1 hora", "{n} horas"],
    days: ["1 día", "{n} días"],
};

static FRENCH: Catalogue = Catalogue {
    lang: "fr",
    sign_in: mail("Votre code de connexion", "Votre code de connexion est {####}."),
    verification: mail("Votre code de vérification", "Votre code de vérification est {####}."),
    link: mail("Votre lien de vérification", "Ouvrez le lien pour vérifier votre adresse e-mail."),
    account_exists: mail(
        "Vous avez déjà un compte",
        "Vous avez déjà un compte avec cette adresse. Pour entrer, connectez-vous au lieu de vous inscrire.",
    ),
    guesses_used_up: mail(
        "De mauvais codes ont été essayés pour votre compte",
        "Quelqu’un a essayé aujourd’hui plusieurs mauvais codes de connexion pour votre compte. Aucun nouveau code n’est \
         envoyé pour le moment. Personne n’est entré ainsi.",
    ),
    second_factor_added: mail(
        "Votre connexion a une deuxième étape",
        "Une deuxième étape a été ajoutée à la connexion à votre compte. Si ce n’était pas vous, prévenez les \
         responsables de ce service.",
    ),
    passkey_added: mail(
        "Une clé d’accès a été ajoutée à votre compte",
        "Une clé d’accès a été ajoutée à votre compte. Quiconque la possède peut se connecter en votre nom. Si ce \
         n’était pas vous, connectez-vous, supprimez-la et prévenez les responsables du service.",
    ),
    to_sign_in: "Il est valable {time}, uniquement pour vous connecter à {app}.",
    to_confirm_account: "Il est valable {time}, uniquement pour confirmer votre nouveau compte chez {app}.",
    to_confirm_address: "Il est valable {time}, uniquement pour confirmer cette adresse chez {app}.",
    to_set_password: "Il est valable {time}, uniquement pour choisir un nouveau mot de passe chez {app}.",
    ignore_code: "Si vous n’avez rien demandé, ignorez cet e-mail. Personne ne peut se connecter sans le code, et personne \
                  de chez nous ne vous le demandera.",
    link_works: "Le lien est valable {time}, une seule fois.",
    link_confirms: "Il confirme votre nouveau compte chez {app}. Si vous n’avez rien demandé, ignorez cet e-mail.",
    asked_at: "Demandé à {at}.",
    asked_from: "Demandé à {at} depuis {browser}.",
    browser_on: "{browser} sous {system}",
    minutes: ["1 minute", "{n} minutes"],
    hours: ["1 heure", "{n} heures"],
    days: ["1 jour", "{n} jours"],
};

static INDONESIAN: Catalogue = Catalogue {
    lang: "id",
    sign_in: mail("Kode masuk Anda", "Kode masuk Anda adalah {####}."),
    verification: mail("Kode verifikasi Anda", "Kode verifikasi Anda adalah {####}."),
    link: mail("Tautan verifikasi Anda", "Buka tautan di bawah ini untuk memverifikasi alamat email Anda."),
    account_exists: mail(
        "Anda sudah punya akun",
        "Anda sudah punya akun dengan alamat ini. Silakan masuk, tidak perlu mendaftar lagi.",
    ),
    guesses_used_up: mail(
        "Kode yang salah dicoba untuk akun Anda",
        "Hari ini seseorang mencoba beberapa kode masuk yang salah untuk akun Anda. Untuk sementara tidak ada kode baru \
         yang dikirim. Tidak ada yang berhasil masuk dengan kode itu.",
    ),
    second_factor_added: mail(
        "Langkah kedua ditambahkan saat Anda masuk",
        "Langkah kedua ditambahkan untuk masuk ke akun Anda. Jika itu bukan Anda, beri tahu pengelola layanan ini.",
    ),
    passkey_added: mail(
        "Kunci sandi ditambahkan ke akun Anda",
        "Kunci sandi ditambahkan ke akun Anda. Siapa pun yang memegangnya dapat masuk sebagai Anda. Jika itu bukan Anda, \
         masuk dan hapus kunci itu, lalu beri tahu pengelola layanan.",
    ),
    to_sign_in: "Berlaku {time}, hanya untuk masuk ke {app}.",
    to_confirm_account: "Berlaku {time}, hanya untuk mengonfirmasi akun baru Anda di {app}.",
    to_confirm_address: "Berlaku {time}, hanya untuk mengonfirmasi alamat ini di {app}.",
    to_set_password: "Berlaku {time}, hanya untuk membuat kata sandi baru di {app}.",
    ignore_code: "Jika Anda tidak memintanya, abaikan email ini. Tidak ada yang dapat masuk tanpa kode itu, dan tidak ada \
                  dari kami yang akan menanyakannya.",
    link_works: "Tautan ini berlaku {time}, satu kali.",
    link_confirms: "Tautan ini mengonfirmasi akun baru Anda di {app}. Jika Anda tidak memintanya, abaikan email ini.",
    asked_at: "Diminta pukul {at}.",
    asked_from: "Diminta pukul {at} dari {browser}.",
    browser_on: "{browser} di {system}",
    minutes: ["1 menit", "{n} menit"],
    hours: ["1 jam", "{n} jam"],
    days: ["1 hari", "{n} hari"],
};

static ITALIAN: Catalogue = Catalogue {
    lang: "it",
    sign_in: mail("Il tuo codice di accesso", "Il tuo codice di accesso è {####}."),
    verification: mail("Il tuo codice di verifica", "Il tuo codice di verifica è {####}."),
    link: mail("Il tuo link di verifica", "Apri il link per verificare il tuo indirizzo email."),
    account_exists: mail(
        "Hai già un account",
        "Hai già un account con questo indirizzo. Per entrare, accedi invece di registrarti.",
    ),
    guesses_used_up: mail(
        "Sono stati provati codici errati per il tuo account",
        "Oggi qualcuno ha provato diversi codici di accesso errati per il tuo account. Per ora non vengono inviati nuovi \
         codici. Nessuno è entrato in questo modo.",
    ),
    second_factor_added: mail(
        "Il tuo accesso ha un secondo passaggio",
        "All’accesso al tuo account è stato aggiunto un secondo passaggio. Se non sei stato tu, avvisa chi gestisce \
         questo servizio.",
    ),
    passkey_added: mail(
        "Una passkey è stata aggiunta al tuo account",
        "Una passkey è stata aggiunta al tuo account. Chi la possiede può accedere al posto tuo. Se non sei stato tu, \
         accedi, rimuovila e avvisa chi gestisce il servizio.",
    ),
    to_sign_in: "Vale {time}, solo per accedere a {app}.",
    to_confirm_account: "Vale {time}, solo per confermare il tuo nuovo account su {app}.",
    to_confirm_address: "Vale {time}, solo per confermare questo indirizzo su {app}.",
    to_set_password: "Vale {time}, solo per impostare una nuova password su {app}.",
    ignore_code: "Se non l’hai chiesto tu, ignora questa email. Nessuno può accedere senza il codice, e nessuno di noi te \
                  lo chiederà.",
    link_works: "Il link vale {time}, una sola volta.",
    link_confirms: "Conferma il tuo nuovo account su {app}. Se non l’hai chiesto tu, ignora questa email.",
    asked_at: "Chiesto alle {at}.",
    asked_from: "Chiesto alle {at} da {browser}.",
    browser_on: "{browser} su {system}",
    minutes: ["1 minuto", "{n} minuti"],
    hours: ["1 ora", "{n} ore"],
    days: ["1 giorno", "{n} giorni"],
};

static JAPANESE: Catalogue = Catalogue {
    lang: "ja",
    sign_in: mail("サインインコード", "サインインコードは {####} です。"),
    verification: mail("確認コード", "確認コードは {####} です。"),
    link: mail("確認リンク", "下のリンクを開いてメールアドレスを確認してください。"),
    account_exists: mail(
        "アカウントはすでにあります",
        "このアドレスのアカウントはすでにあります。新規登録ではなく、サインインしてください。",
    ),
    guesses_used_up: mail(
        "アカウントに誤ったコードが入力されました",
        "本日、あなたのアカウントに誤ったサインインコードが何度か入力されました。しばらくの間、新しいコードは送信されません。これらのコードでサインインした人はいません。",
    ),
    second_factor_added: mail(
        "サインインに 2 つ目の手順が追加されました",
        "アカウントのサインインに 2 つ目の手順が追加されました。心当たりがない場合は、このサービスの運営者に知らせてください。",
    ),
    passkey_added: mail(
        "アカウントにパスキーが追加されました",
        "アカウントにパスキーが追加されました。そのパスキーを持つ人は、あなたとしてサインインできます。心当たりがない場合は、サインインして削除し、サービスの運営者に知らせてください。",
    ),
    to_sign_in: "有効時間は {time}で、{app} へのサインインにのみ使えます。",
    to_confirm_account: "有効時間は {time}で、{app} の新しいアカウントの確認にのみ使えます。",
    to_confirm_address: "有効時間は {time}で、{app} でのこのアドレスの確認にのみ使えます。",
    to_set_password: "有効時間は {time}で、{app} の新しいパスワードの設定にのみ使えます。",
    ignore_code: "心当たりがない場合は、このメールを無視してください。コードがなければ誰もサインインできません。こちらからコードをお尋ねすることはありません。",
    link_works: "リンクの有効時間は {time}で、1 回だけ使えます。",
    link_confirms: "{app} の新しいアカウントを確認するリンクです。心当たりがない場合は、このメールを無視してください。",
    asked_at: "リクエスト時刻: {at}",
    asked_from: "リクエスト時刻: {at}（{browser}）",
    browser_on: "{system} の {browser}",
    minutes: ["1 分", "{n} 分"],
    hours: ["1 時間", "{n} 時間"],
    days: ["1 日", "{n} 日"],
};

static KOREAN: Catalogue = Catalogue {
    lang: "ko",
    sign_in: mail("로그인 코드", "로그인 코드는 {####}입니다."),
    verification: mail("인증 코드", "인증 코드는 {####}입니다."),
    link: mail("인증 링크", "아래 링크를 열어 이메일 주소를 인증하세요."),
    account_exists: mail(
        "이미 계정이 있습니다",
        "이 주소로 만든 계정이 이미 있습니다. 가입하지 말고 로그인하세요.",
    ),
    guesses_used_up: mail(
        "계정에 잘못된 코드가 입력되었습니다",
        "오늘 누군가 회원님의 계정에 잘못된 로그인 코드를 여러 번 입력했습니다. 당분간 새 코드를 보내지 않습니다. 그 코드로 로그인한 사람은 없습니다.",
    ),
    second_factor_added: mail(
        "로그인에 두 번째 단계가 추가되었습니다",
        "계정 로그인에 두 번째 단계가 추가되었습니다. 본인이 아니라면 서비스 운영자에게 알려 주세요.",
    ),
    passkey_added: mail(
        "계정에 패스키가 추가되었습니다",
        "계정에 패스키가 추가되었습니다. 이 패스키를 가진 사람은 회원님으로 로그인할 수 있습니다. 본인이 아니라면 로그인하여 삭제하고 서비스 운영자에게 알려 주세요.",
    ),
    to_sign_in: "{time} 동안 유효하며 {app} 로그인에만 사용할 수 있습니다.",
    to_confirm_account: "{time} 동안 유효하며 {app}의 새 계정을 확인하는 데만 사용할 수 있습니다.",
    to_confirm_address: "{time} 동안 유효하며 {app}에서 이 주소를 확인하는 데만 사용할 수 있습니다.",
    to_set_password: "{time} 동안 유효하며 {app}의 새 비밀번호를 설정하는 데만 사용할 수 있습니다.",
    ignore_code: "요청하지 않았다면 이 이메일을 무시하세요. 코드 없이는 아무도 로그인할 수 없으며, 저희는 코드를 묻지 않습니다.",
    link_works: "링크는 {time} 동안 한 번만 사용할 수 있습니다.",
    link_confirms: "{app}의 새 계정을 확인하는 링크입니다. 요청하지 않았다면 이 이메일을 무시하세요.",
    asked_at: "요청 시각: {at}",
    asked_from: "요청 시각: {at} ({browser})",
    browser_on: "{system}의 {browser}",
    minutes: ["1분", "{n}분"],
    hours: ["1시간", "{n}시간"],
    days: ["1일", "{n}일"],
};

static PORTUGUESE: Catalogue = Catalogue {
    lang: "pt-BR",
    sign_in: mail("Seu código de acesso", "Seu código de acesso é {####}."),
    verification: mail("Seu código de verificação", "Seu código de verificação é {####}."),
    link: mail("Seu link de verificação", "Abra o link abaixo para verificar seu endereço de e-mail."),
    account_exists: mail(
        "Você já tem uma conta",
        "Você já tem uma conta com este endereço. Para entrar, faça login em vez de se cadastrar.",
    ),
    guesses_used_up: mail(
        "Códigos errados foram tentados na sua conta",
        "Hoje alguém tentou vários códigos de acesso errados na sua conta. Por enquanto, nenhum código novo é enviado. \
         Ninguém entrou com eles.",
    ),
    second_factor_added: mail(
        "Seu login tem uma segunda etapa",
        "Uma segunda etapa foi adicionada ao login da sua conta. Se não foi você, avise quem administra este serviço.",
    ),
    passkey_added: mail(
        "Uma chave de acesso foi adicionada à sua conta",
        "Uma chave de acesso foi adicionada à sua conta. Quem a tiver pode entrar como você. Se não foi você, entre, \
         remova-a e avise quem administra o serviço.",
    ),
    to_sign_in: "Ele vale por {time}, somente para entrar em {app}.",
    to_confirm_account: "Ele vale por {time}, somente para confirmar sua nova conta em {app}.",
    to_confirm_address: "Ele vale por {time}, somente para confirmar este endereço em {app}.",
    to_set_password: "Ele vale por {time}, somente para definir uma nova senha em {app}.",
    ignore_code: "Se não foi você quem pediu, ignore este e-mail. Ninguém pode entrar sem o código, e ninguém da nossa \
                  equipe vai pedi-lo.",
    link_works: "O link vale por {time}, uma única vez.",
    link_confirms: "Ele confirma sua nova conta em {app}. Se não foi você quem pediu, ignore este e-mail.",
    asked_at: "Pedido às {at}.",
    asked_from: "Pedido às {at} por {browser}.",
    browser_on: "{browser} no {system}",
    minutes: ["1 minuto", "{n} minutos"],
    hours: ["1 hora", "{n} horas"],
    days: ["1 dia", "{n} dias"],
};

static SIMPLIFIED: Catalogue = Catalogue {
    lang: "zh-CN",
    sign_in: mail("您的登录验证码", "您的登录验证码是 {####}。"),
    verification: mail("您的验证码", "您的验证码是 {####}。"),
    link: mail("您的验证链接", "请打开下面的链接，验证您的邮箱地址。"),
    account_exists: mail("您已有账户", "此地址已有账户。请直接登录，无需注册。"),
    guesses_used_up: mail(
        "有人为您的账户尝试了错误的验证码",
        "今天有人多次为您的账户输入错误的登录验证码。目前暂不发送新的验证码。没有人凭此登录。",
    ),
    second_factor_added: mail(
        "您的登录增加了第二步",
        "您的账户登录增加了第二步。如果不是您本人操作，请告知此服务的运营者。",
    ),
    passkey_added: mail(
        "您的账户添加了通行密钥",
        "您的账户添加了通行密钥。持有它的人可以以您的身份登录。如果不是您本人操作，请登录并将其删除，并告知服务的运营者。",
    ),
    to_sign_in: "{time}内有效，仅用于登录 {app}。",
    to_confirm_account: "{time}内有效，仅用于确认您在 {app} 的新账户。",
    to_confirm_address: "{time}内有效，仅用于在 {app} 确认此地址。",
    to_set_password: "{time}内有效，仅用于在 {app} 设置新密码。",
    ignore_code: "如果这不是您的请求，请忽略此邮件。没有验证码，任何人都无法登录，我们也不会向您索取验证码。",
    link_works: "链接{time}内有效，仅可使用一次。",
    link_confirms: "此链接用于确认您在 {app} 的新账户。如果这不是您的请求，请忽略此邮件。",
    asked_at: "请求时间：{at}",
    asked_from: "请求时间：{at}（{browser}）",
    browser_on: "{system} 上的 {browser}",
    minutes: ["1 分钟", "{n} 分钟"],
    hours: ["1 小时", "{n} 小时"],
    days: ["1 天", "{n} 天"],
};

static TRADITIONAL: Catalogue = Catalogue {
    lang: "zh-TW",
    sign_in: mail("您的登入驗證碼", "您的登入驗證碼是 {####}。"),
    verification: mail("您的驗證碼", "您的驗證碼是 {####}。"),
    link: mail("您的驗證連結", "請開啟下方連結，驗證您的電子郵件地址。"),
    account_exists: mail("您已有帳戶", "此地址已有帳戶。請直接登入，不需要註冊。"),
    guesses_used_up: mail(
        "有人為您的帳戶嘗試了錯誤的驗證碼",
        "今天有人多次為您的帳戶輸入錯誤的登入驗證碼。目前暫不寄送新的驗證碼。沒有人因此登入。",
    ),
    second_factor_added: mail(
        "您的登入增加了第二個步驟",
        "您的帳戶登入增加了第二個步驟。如果不是您本人操作，請告知此服務的營運者。",
    ),
    passkey_added: mail(
        "您的帳戶新增了通行密鑰",
        "您的帳戶新增了通行密鑰。持有它的人可以用您的身分登入。如果不是您本人操作，請登入並將其移除，並告知服務的營運者。",
    ),
    to_sign_in: "{time}內有效，僅用於登入 {app}。",
    to_confirm_account: "{time}內有效，僅用於確認您在 {app} 的新帳戶。",
    to_confirm_address: "{time}內有效，僅用於在 {app} 確認此地址。",
    to_set_password: "{time}內有效，僅用於在 {app} 設定新密碼。",
    ignore_code: "如果這不是您的要求，請忽略此郵件。沒有驗證碼，任何人都無法登入，我們也不會向您索取驗證碼。",
    link_works: "連結{time}內有效，僅可使用一次。",
    link_confirms: "此連結用於確認您在 {app} 的新帳戶。如果這不是您的要求，請忽略此郵件。",
    asked_at: "要求時間：{at}",
    asked_from: "要求時間：{at}（{browser}）",
    browser_on: "{system} 上的 {browser}",
    minutes: ["1 分鐘", "{n} 分鐘"],
    hours: ["1 小時", "{n} 小時"],
    days: ["1 天", "{n} 天"],
};
