"""Sentences for what asks directly, without the page: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- arguments of an endpoint
    "arguments_number": (
        "/{name} was given too few or too many values: the README's table of endpoints names them.",
        "/{name} 收到的参数过多或过少：请查看 README 中的接口表。",
    ),
    "argument_text": ("{name} must be a text.", "{name} 必须是文本。"),
    "argument_whole": ("{name} must be a whole number.", "{name} 必须是整数。"),
    "argument_number": ("{name} must be a number.", "{name} 必须是数字。"),
    "argument_switch": ("{name} must be true or false.", "{name} 必须是 true 或 false。"),
    "argument_list": ("{name} must be a list.", "{name} 必须是列表。"),
    "argument_many": (
        "{name} may hold {most} entries: make it shorter.",
        "{name} 最多 {most} 项：请减少。",
    ),
    "argument_file": (
        "{name} must be uploaded files: give handle_file(path) of gradio_client.",
        "{name} 必须是已上传的文件：请使用 gradio_client 的 handle_file(path)。",
    ),
    "argument_secret": (
        "{name} must be an owner's secret: ask /new_owner for one, and keep it.",
        "{name} 必须是所有者密钥：请用 /new_owner 获取并保存。",
    ),
    "argument_long": (
        "{name} may have {most} characters: make it shorter.",
        "{name} 最多 {most} 个字符：请缩短。",
    ),
    "unknown_kind": (
        "There is no kind {asked}: choose one of {known}.",
        "没有名为 {asked} 的类型：请从 {known} 中选择。",
    ),
    "question_wrong": (
        "A poll asks with a run's id and a whole number: the endpoint /events does the same.",
        "查询需要训练编号和一个整数：也可使用 /events 接口。",
    ),
    # --- choices that only a direct call can make
    "size_largest": (
        "{name} may be {most:,} here: choose a smaller model.",
        "{name} 最大为 {most:,}：请选择更小的模型。",
    ),
    "tokenizer_cancelled": (
        "Learning the vocabulary was cancelled: the run stays as it was.",
        "已取消学习词表：这次训练保持原样。",
    ),
    # --- files and requests
    "upload_gone": (
        "An uploaded file is kept for an hour only, and {name} is gone: choose it again.",
        "上传的文件只保留一小时，{name} 已被删除：请重新选择。",
    ),
    "proxies_wrong": (
        "KANTAI_PROXIES must hold addresses or networks with commas between them: {reason}.",
        "KANTAI_PROXIES 应为以逗号分隔的地址或网段：{reason}。",
    ),
    "address_refused": (
        "Nothing is fetched from another address: upload the file itself.",
        "不会从其他地址获取文件：请直接上传文件。",
    ),
    "body_too_large": (
        "A request may have {most} here: send less at a time.",
        "这里一次请求最大 {most}：请减少发送的内容。",
    ),
    "uploads_full": (
        "The place for uploads is full: try again in an hour.",
        "上传空间已满：请一小时后再试。",
    ),
}
