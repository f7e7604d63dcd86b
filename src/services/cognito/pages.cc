#include "services/cognito/pages.h"

#include <fmt/format.h>

#include "codec/base64.h"
#include "services/cognito/digest.h"

namespace wellhead::services::cognito {

namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--back:#eef2f6;--card:#fff;--ink:#16191f;--soft:#5f6b7a;--edge:#8c96a3;--line:#d5dbdb;--act:#0972d3;--act2:#033160;--bad:#d91515;--badback:#fff1f1}
@media(prefers-color-scheme:dark){:root{--back:#0b1119;--card:#161d26;--ink:#e9ebed;--soft:#a4adb8;--edge:#656f7c;--line:#2f3b49;--act:#44b9ff;--act2:#75cfff;--bad:#ff7a7a;--badback:#2b1517}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;background:var(--back);color:var(--ink);font:15px/1.5 "Open Sans",system-ui,-apple-system,"Segoe UI",sans-serif;padding:24px 16px}
main{width:100%;max-width:400px}
.mark{display:flex;align-items:center;gap:12px;margin:0 0 20px 4px;font-size:20px;font-weight:700}
.mark svg{width:38px;height:38px}
.card{background:var(--card);border:1px solid var(--line);border-radius:16px;padding:30px 32px 32px;box-shadow:0 6px 28px rgb(10 30 60/8%)}
h1{font-size:22px;line-height:1.3;margin:0 0 4px}
p{margin:0 0 18px;color:var(--soft)}
label{display:block;font-weight:600;margin:14px 0 5px}
input{width:100%;font:inherit;color:inherit;background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:10px 12px}
input:focus{outline:2px solid var(--act);outline-offset:1px;border-color:var(--act)}
button{width:100%;margin-top:22px;font:inherit;font-weight:700;color:#fff;background:var(--act);border:0;border-radius:20px;padding:11px;cursor:pointer}
@media(prefers-color-scheme:dark){button{color:#06101c}}
button:hover{background:var(--act2)}
button:focus-visible{outline:2px solid var(--act);outline-offset:3px}
.bad{color:var(--bad);background:var(--badback);border:1px solid var(--bad);border-radius:8px;padding:9px 12px;margin:0 0 6px}
.foot{margin:16px 4px 0;font-size:13px;color:var(--soft)}
)";

std::string Escape(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string Page(std::string_view title, std::string_view body, std::string_view foot) {
    return fmt::format(
        R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{0}</title><style>{1}</style></head>
<body><main><div class="mark"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#0f1b2a"/><path d="M6 21c3 0 3-9 6-9s3 7 5.500 7S21 9 26 9" fill="none" stroke="#ff9900" stroke-width="3" stroke-linecap="round"/><circle cx="26" cy="9" r="2.600" fill="#fff"/></svg>Wellhead</div>
<div class="card">{2}</div>{3}</main></body></html>
)",
        title, kStyle, body, foot.empty() ? std::string() : fmt::format(R"(<p class="foot">{}</p>)", foot));
}

std::string Failure(const std::string& error) {
    return error.empty() ? std::string() : fmt::format(R"(<p class="bad" role="alert">{}</p>)", Escape(error));
}

}  // namespace

std::string RenderLogin(const LoginPage& page) {
    std::string body = fmt::format(
        R"(<h1>Sign in</h1><p>to {}</p>{}
<form method="post" autocomplete="on"><input type="hidden" name="_csrf" value="{}">
<label for="username">User name</label><input id="username" name="username" value="{}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="256"{}>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256"{}>
<button type="submit">Sign in</button></form>)",
        Escape(page.pool_name), Failure(page.error), Escape(page.csrf), Escape(page.username),
        page.username.empty() ? " autofocus" : "", page.username.empty() ? "" : " autofocus");
    return Page("Sign in · Wellhead", body, "Forgot the password? An administrator of this user pool can set a new one.");
}

std::string RenderNewPassword(const NewPasswordPage& page) {
    std::string body = fmt::format(
        R"(<h1>Choose a new password</h1><p>The one you have was temporary. {}</p>{}
<form method="post" autocomplete="on"><input type="hidden" name="_csrf" value="{}"><input type="hidden" name="session" value="{}">
<input type="hidden" name="username" value="{}" autocomplete="username">
<label for="new_password">New password</label><input id="new_password" name="new_password" type="password" autocomplete="new-password" required maxlength="256" autofocus>
<label for="repeated">The same again</label><input id="repeated" name="repeated" type="password" autocomplete="new-password" required maxlength="256">
<button type="submit">Save and sign in</button></form>)",
        Escape(page.demands), Failure(page.error), Escape(page.csrf), Escape(page.session), Escape(page.username));
    return Page("New password · Wellhead", body, "");
}

std::string RenderMessage(const std::string& title, const std::string& text) {
    return Page("Wellhead", fmt::format("<h1>{}</h1><p>{}</p>", Escape(title), Escape(text)), "");
}

std::string PagePolicy(const std::string& form_target) {
    static const std::string kHash = codec::EncodeBase64(Sha256(kStyle));
    return fmt::format(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'{}{}; frame-ancestors 'none'; base-uri 'none'",
        kHash, form_target.empty() ? "" : " ", form_target);
}

}  // namespace wellhead::services::cognito
