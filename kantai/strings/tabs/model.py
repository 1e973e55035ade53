"""Sentences of the tab Model: key -> (English, 中文)."""

TEXTS: dict[str, tuple[str, str]] = {
    "model_lead": (
        "A model is a stack of tables of numbers, and here you choose how many.",
        "模型就是一叠数字表；在这里决定要多少个数字。",
    ),
    "model_rest": (
        "More numbers can hold more, but each needs text and time to learn; a small model often "
        "learns more in a minute.",
        "数字越多能记住的越多，但每个数字都要文本和时间来学；一分钟里，小模型往往学得更多。",
    ),
    "preset": ("Preset", "预设"),
    "preset_notebook": ("Notebook 2020 (83.5 M)", "2020 年 notebook 教程（83.5 M）"),
    "preset_nano": ("Nano: for a laptop's CPU", "Nano：适合笔记本电脑的 CPU"),
    "preset_mini": ("Mini: for a few minutes of CPU", "Mini：CPU 训练几分钟"),
    "preset_small": ("Small: for any GPU", "Small：适合一般 GPU"),
    "preset_base": ("Base: for a large GPU", "Base：适合大型 GPU"),
    "preset_mini-roberta": ("Mini, as RoBERTa", "Mini（RoBERTa 架构）"),
    "preset_mini-prelayernorm": (
        "Mini, as RoBERTa-PreLayerNorm",
        "Mini（RoBERTa-PreLayerNorm 架构）",
    ),
    "architecture": ("Architecture", "架构"),
    "dropout_info": (
        "Share of numbers left out at random in each step, against learning by heart.",
        "每步随机丢掉的数值比例，防止死记硬背。",
    ),
    "hidden_size_info": (
        "How many numbers stand for one token inside the model.",
        "模型内部用多少个数字表示一个词元。",
    ),
    "num_hidden_layers_info": (
        "How many times the tokens look at one another, one layer after another.",
        "词元之间逐层互相查看的次数。",
    ),
    "num_attention_heads_info": (
        "How many ways of looking each layer has at the same time.",
        "每一层同时有几种查看方式。",
    ),
    "intermediate_size_info": (
        "How wide each layer's working space for a single token is.",
        "每一层单独加工一个词元时的工作空间有多宽。",
    ),
    "max_position_embeddings_info": (
        "The longest stretch of tokens that the model can read at once.",
        "模型一次最多能读多少个词元。",
    ),
    "use_model": ("Use this model", "使用这个模型"),
    "model_too_large": (
        "This model would have {count} parameters, too many to look at here: choose smaller sizes.",
        "这个模型会有 {count} 个参数，太大了：请选小一些。",
    ),
    "parameters": ("parameters", "参数"),
    "tensors": ("tensors", "张量"),
    "in_embeddings": ("in the embedding", "在嵌入表中"),
    "in_embeddings_hint": (
        "Share of the parameters that is the embedding: one row for each token",
        "嵌入表所占的参数比例：每个词元一行",
    ),
    "training_memory": ("memory to train it", "训练所需内存"),
    "time_title": ("Time to train on this device", "在这台设备上训练的时间"),
    "time_here": (
        "About {speed} tokens a second: one pass over your text in {time}.",
        "每秒约 {speed} 个词元：读一遍你的文本约需 {time}。",
    ),
    "time_measured": (
        "From a short probe: a few real steps of this model on {device}.",
        "来自一次短测：这个模型在 {device} 上真实训练了几步。",
    ),
    "time_estimated": (
        "Estimated from this model's work a token and the speed of a small one on {device}.",
        "根据这个模型每个词元的计算量和小模型在 {device} 上的速度估算。",
    ),
    "time_being_measured": ("A few steps are being timed …", "正在计时几步……"),
    "time_when_free": (
        "A training has the device now: its speed is measured when that has ended.",
        "设备正在训练：等它结束后再测速度。",
    ),
    "time_unknown": (
        "Not known before a training has begun here.",
        "在这里开始训练之后才知道。",
    ),
    "memory_of_device": ("{need} of {there}", "{there} 中的 {need}"),
    "memory_short": (
        "More than this device has: smaller sizes or fewer rows a step would fit.",
        "超出这台设备的内存：请减小尺寸，或减少每步行数。",
    ),
    "memory_by_part": ("Memory while it trains", "训练时的内存"),
    "memory_weights": ("weights", "权重"),
    "memory_gradients": ("gradients", "梯度"),
    "memory_optimizer": ("optimizer", "优化器"),
    "memory_copies": ("best weights", "最佳权重"),
    "memory_activations": ("activations", "激活值"),
    "treemap": ("Where the parameters are", "参数在哪里"),
    "treemap_hint": ("click a box to look inside", "点击方块看内部"),
    "every_tensor": ("Every tensor", "所有张量"),
    "tensor_name": ("name", "名称"),
    "tensor_shape": ("shape", "形状"),
    "tied_to": ("same numbers as", "共享自"),
}
