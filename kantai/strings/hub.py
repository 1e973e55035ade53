"""Sentences of signing in with Hugging Face, and of the Hub: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- signing in
    "sign_in": ("Sign in with Hugging Face", "使用 Hugging Face 登录"),
    "sign_in_hint": (
        "Your runs are then yours on every device, and you can push a model to the Hub.",
        "登录后，在任何设备上都能管理自己的训练，也可以把模型推送到 Hub。",
    ),
    "sign_out": ("Sign out", "退出登录"),
    "sign_in_failed": (
        "Signing in did not work, or was not allowed: go back to the page and try again.",
        "登录没有成功，或没有得到允许：请返回页面重试。",
    ),
    "account_damaged": (
        "{path} is damaged, so nobody's account can be told: put it back from a copy, or "
        "delete it, and what accounts own stays without an owner.",
        "{path} 已损坏，无法识别任何账号：请用备份恢复，或将其删除；删除后，账号名下的训练不再"
        "属于任何人。",
    ),
    # --- runs begun before
    "take_along_runs": (
        "{count} runs were begun in this browser before you signed in.",
        "登录之前，此浏览器中已有 {count} 次训练。",
    ),
    "take_along_run": (
        "One run was begun in this browser before you signed in.",
        "登录之前，此浏览器中已有 1 次训练。",
    ),
    "take_along": ("Move to my account", "转到我的账号"),
    "take_along_hint": (
        "What you move is yours on every device, and this browser's no more once you sign out.",
        "转移后，在任何设备上都归你所有；退出登录后，此浏览器不再拥有它们。",
    ),
    # --- pushing
    "push_title": ("Push to the Hub", "推送到 Hub"),
    "push_rest": (
        "The model, its tokenizer and its model card become a repository of your account; your "
        "text stays here.",
        "模型、分词器和模型卡片会成为你账号下的一个仓库；你的文本不会上传。",
    ),
    "push_repo": ("Repository", "仓库"),
    "push_private": ("Private: only you see it", "私有：只有你能看到"),
    "push": ("Push", "推送"),
    "push_goes": ("Pushing …", "正在推送……"),
    "push_done": ("Pushed:", "已推送："),
    "push_signed_out": (
        "You are not signed in, or did not allow writing: sign in with Hugging Face and allow it.",
        "你尚未登录，或没有允许写入：请使用 Hugging Face 登录并授权。",
    ),
    "push_nowhere": (
        "Nobody can sign in on this page, so nothing is pushed from it: "
        "python -m kantai export RUN --to hub pushes with this machine's own login.",
        "本页面不能登录，因此无法推送：python -m kantai export RUN --to hub 会用本机的登录推送。",
    ),
    "hub_name": (
        "{repo} cannot be a repository's name: write owner/name, with letters, digits, - _ and . "
        "alone.",
        "{repo} 不能作为仓库名称：请写成 用户名/名称，只用字母、数字、- _ 和 .。",
    ),
    "hub_taken": (
        "{repo} is there already: choose another name.",
        "{repo} 已经存在：请换一个名称。",
    ),
    "hub_no_right": (
        "This login may not write to {repo}: choose a name of your own, or sign in again and "
        "allow writing.",
        "此登录无权写入 {repo}：请使用自己名下的名称，或重新登录并授权写入。",
    ),
    "hub_offline": (
        "The Hub cannot be reached from here: check the network, then push again.",
        "这里连接不到 Hub：请检查网络后重新推送。",
    ),
}
