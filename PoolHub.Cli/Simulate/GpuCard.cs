namespace PoolHub.Cli.Simulate;

/// <summary>A graphics card that is on sale, and what renting it costs about.</summary>
/// <param name="Price">Tokens per 1,000 seconds.</param>
/// <param name="Speed">How fast it works, an RTX 4090 being 1.</param>
internal sealed record GpuCard(string Name, double VramGb, string Accel, decimal Price, double Speed)
{
    public static readonly GpuCard[] Desktop =
    [
        new("NVIDIA GeForce RTX 3060", 12, "cuda", 0.18m, 0.25),
        new("NVIDIA GeForce RTX 3090", 24, "cuda", 0.38m, 0.60),
        new("NVIDIA GeForce RTX 4060 Ti", 16, "cuda", 0.26m, 0.35),
        new("NVIDIA GeForce RTX 4070", 12, "cuda", 0.32m, 0.45),
        new("NVIDIA GeForce RTX 4080", 16, "cuda", 0.46m, 0.70),
        new("NVIDIA GeForce RTX 4090", 24, "cuda", 0.62m, 1.00),
        new("NVIDIA GeForce RTX 5090", 32, "cuda", 0.88m, 1.40),
        new("AMD Radeon RX 7800 XT", 16, "rocm", 0.24m, 0.40),
        new("AMD Radeon RX 7900 XTX", 24, "rocm", 0.40m, 0.65),
        new("Intel Arc A770", 16, "oneapi", 0.16m, 0.22),
    ];

    public static readonly GpuCard[] Datacenter =
    [
        new("NVIDIA L4", 24, "cuda", 0.52m, 0.50),
        new("NVIDIA A10", 24, "cuda", 0.58m, 0.60),
        new("NVIDIA A40", 48, "cuda", 0.80m, 0.75),
        new("NVIDIA L40S", 48, "cuda", 1.10m, 1.20),
        new("NVIDIA A100 40GB", 40, "cuda", 1.35m, 1.30),
        new("NVIDIA A100 80GB", 80, "cuda", 1.75m, 1.50),
        new("NVIDIA H100 80GB", 80, "cuda", 2.70m, 2.60),
        new("NVIDIA H200", 141, "cuda", 3.60m, 3.00),
        new("AMD Instinct MI300X", 192, "rocm", 2.90m, 2.50),
    ];
}
