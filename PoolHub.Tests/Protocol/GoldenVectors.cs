using System.Text.Json.Nodes;
using MessagePack;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>One message and its bytes, as any implementation of docs/protocol.md must read them.</summary>
/// <param name="Body">Without the frame's prefix.</param>
/// <param name="Canonical">False when the bytes must be read like this, but this library would write other ones.</param>
internal sealed record GoldenVector(string Name, MessageNumber Number, byte[] Body, object Message, bool Canonical);

/// <summary>Every golden vector; golden-vectors.json is made from this list and read by other languages.</summary>
internal static class GoldenVectors
{
    public const string Key = "phk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh80d1B7S";

    public static readonly MinerProfile Profile = new()
    {
        Addr = "10.0.3.7:9000",
        Proto = "grpc",
        GpuName = "RTX 4090",
        GpuVramGb = 24,
        CpuCores = 16,
        RamGb = 64.5,
        Price = new TokenPrice(75_000_000),
        MaxParallel = 4,
        Region = "eu-west-1",
        Accel = ["cuda"],
        Tags = ["low-latency"],
        Capabilities = ["task:image_embedding"],
        Owner = "acme",
    };

    /// <summary>Texts at the borders of MessagePack's string forms: fixstr 31, str8 32 and 128.</summary>
    private static readonly string[] s_longTexts =
        [new('a', 31), new('b', 32), new('c', Limits.TermChars), "ünïcødé 日本語 🚀"];

    public static IReadOnlyList<GoldenVector> All { get; } =
    [
        // The whole conversation that docs/protocol.md works through.
        Of("conversation/1-hello", new Hello(1, [], "miner-1", Key, null)),
        Of("conversation/2-welcome", new Welcome(1, [], "s1.Zm9v", 1, 60, 15, Resumed: false)),
        Of("conversation/3-register", new Register(Profile)),
        Of("conversation/4-registered", new Registered(60, 15)),
        Of("conversation/5-heartbeat", new Heartbeat(1, 1_767_225_600_000, 2, 120, 61, 7.5)),
        Of("conversation/6-heartbeat-ack", new HeartbeatAck(1, 14)),
        Of("conversation/7-ping", new Ping(7)),
        Of("conversation/8-pong", new Pong(7)),
        Of("conversation/9-command", new Command(1, CommandKind.SetPriceCap, Price: new TokenPrice(50_000_000))),
        Of("conversation/10-command-ack", new CommandAck(1, true, "")),
        Of("conversation/11-update", new Update(2, true, ["job-1"], new TokenPrice(50_000_000))),
        Of("conversation/12-heartbeat-ack", new HeartbeatAck(1, 14)),
        Of("conversation/13-goodbye", new Goodbye(CloseReason.Leaving, "", 0)),

        Of("hello/resume", new Hello(1, [], "miner-1", null, "s1.Zm9v")),
        Of("hello/features", new Hello(65_535, ["a", "b"], new string('m', Limits.MinerIdChars), new string('k', 128), null)),
        Of("hello/str16-token", new Hello(1, [], "m", null, new string('t', Limits.SessionTokenChars))),
        Of("hello/trailing", new Hello(1, [], "miner-1", Key, null), Trailing),
        Of("hello/older-without-token", new Hello(1, [], "m", "k", null), static (ref writer) =>
        {
            writer.WriteArrayHeader(5);
            writer.Write(1);
            writer.Write(1);
            writer.WriteArrayHeader(0);
            writer.Write("m");
            writer.Write("k");
        }),

        Of("welcome/resumed", new Welcome(1, ["x"], new string('t', 32), 4_294_967_296, 3600, 900, Resumed: true)),
        Of("welcome/largest", new Welcome(65_535, [], "t", long.MaxValue, int.MaxValue, int.MaxValue, Resumed: false)),
        Of("welcome/trailing", new Welcome(1, [], "t", 1, 60, 15, Resumed: true), Trailing),

        Of("register/least", new Register(new MinerProfile { Addr = "a", Proto = "http" })),
        Of("register/largest", new Register(Profile with
        {
            Addr = new string('h', Limits.AddrChars),
            GpuVramGb = Limits.MaxGpuVramGb,
            CpuCores = Limits.MaxCpuCores,
            RamGb = Limits.MaxRamGb,
            Price = TokenPrice.Max,
            MaxParallel = Limits.MaxParallel,
        })),
        Of("register/long-texts", new Register(Profile with
        {
            GpuName = s_longTexts[2],
            Tags = s_longTexts,
            Owner = new string('o', Limits.OwnerChars),
        })),
        Of("register/array16", new Register(Profile with
        {
            Accel = [.. Enumerable.Range(0, Limits.MaxAccel).Select(i => $"accel-{i}")],
            Tags = [.. Enumerable.Range(0, Limits.MaxTags).Select(i => $"tag-{i}")],
            Capabilities = [.. Enumerable.Range(0, Limits.MaxCapabilities).Select(i => $"c{i}")],
        })),
        Of("register/trailing", new Register(Profile), Trailing),
        Of("register/older-without-owner", new Register(Profile with { Owner = "" }), body => [0x9d, .. body[1..^1]]),
        Of("register/owner-nil", new Register(Profile with { Owner = "" }), body => [.. body[..^1], 0xc0]),
        Of("register/whole-numbers-for-floats", new Register(new MinerProfile { Addr = "a", Proto = "p", GpuVramGb = 24, RamGb = 0.5 }), static (ref writer) =>
        {
            writer.WriteArrayHeader(13);
            writer.Write(3);
            writer.Write("a");
            writer.Write("p");
            writer.Write("");
            writer.Write(24);
            writer.Write(0);
            writer.Write(0.5f);
            writer.Write(0);
            writer.Write(1);
            writer.Write("");
            writer.WriteArrayHeader(0);
            writer.WriteArrayHeader(0);
            writer.WriteArrayHeader(0);
        }),

        Of("registered/trailing", new Registered(60, 15), Trailing),

        Of("heartbeat/nothing-optional", new Heartbeat(0, 0, 0, null, null, null)),
        Of("heartbeat/negative-temperature", new Heartbeat(127, 1, 128, 0, -33, 0)),
        Of("heartbeat/largest", new Heartbeat(
            long.MaxValue, long.MaxValue, Limits.MaxQueueLen, Limits.MaxLatencyMs, Limits.MaxTempC, Limits.MaxRamGb)),
        Of("heartbeat/some-optional", new Heartbeat(65_536, 1_767_225_600_000, 1, null, 70, null)),
        Of("heartbeat/trailing", new Heartbeat(2, 3, 4, 5, 6, 7.5), Trailing),
        Of("heartbeat/older-short", new Heartbeat(2, 3, 4, null, null, null), static (ref writer) =>
        {
            writer.WriteArrayHeader(4);
            writer.Write(5);
            writer.Write(2);
            writer.Write(3);
            writer.Write(4);
        }),
        Of("heartbeat/wide-integers", new Heartbeat(2, 3, 4, null, 5, null), static (ref writer) =>
        {
            writer.WriteArrayHeader(7);
            writer.WriteUInt16(5);
            writer.WriteUInt64(2);
            writer.WriteInt64(3);
            writer.WriteUInt32(4);
            writer.WriteNil();
            writer.WriteInt16(5);
            writer.WriteNil();
        }),

        Of("heartbeat-ack/zero", new HeartbeatAck(0, 1)),
        Of("heartbeat-ack/trailing", new HeartbeatAck(9, 15), Trailing),

        Of("update/idle", new Update(0, false, [], null)),
        Of("update/free-of-charge", new Update(1, true, ["job"], new TokenPrice(0))),
        Of("update/array16", new Update(20, true, [.. Enumerable.Range(0, 20).Select(i => $"job-{i}")], null)),
        Of("update/trailing", new Update(1, false, [], new TokenPrice(1)), Trailing),

        Of("ping/largest", new Ping(long.MaxValue)),
        Of("ping/smallest", new Ping(long.MinValue)),
        Of("pong/negative", new Pong(-1)),
        Of("pong/trailing", new Pong(5), Trailing),

        Of("command/update-tags", new Command(2, CommandKind.UpdateTags, Tags: ["a", "b"])),
        Of("command/clear-tags", new Command(3, CommandKind.UpdateTags, Tags: [])),
        Of("command/drain", new Command(4, CommandKind.Drain, On: true)),
        Of("command/undrain", new Command(5, CommandKind.Drain)),
        Of("command/reconnect", new Command(6, CommandKind.Reconnect, Addr: "hub-2.example:8204", DelayMs: 70_000)),
        Of("command/reconnect-here", new Command(7, CommandKind.Reconnect, Addr: "")),
        Of("command/unknown-kind", new Command(8, (CommandKind)99)),
        Of("command/unknown-kind-with-arguments", new Command(8, (CommandKind)99), static (ref writer) =>
        {
            writer.WriteArrayHeader(4);
            writer.Write(10);
            writer.Write(8);
            writer.Write(99);
            writer.WriteArrayHeader(2);
            writer.WriteMapHeader(1);
            writer.Write("k");
            writer.Write(true);
            writer.Write(1);
        }),
        Of("command/more-arguments", new Command(9, CommandKind.Drain, On: true), static (ref writer) =>
        {
            writer.WriteArrayHeader(5);
            writer.Write(10);
            writer.Write(9);
            writer.Write(3);
            writer.WriteArrayHeader(2);
            writer.Write(true);
            writer.Write("later");
            writer.WriteNil();
        }),

        Of("command-ack/refused", new CommandAck(2, false, "not now")),
        Of("command-ack/without-detail", new CommandAck(2, true, ""), static (ref writer) =>
        {
            writer.WriteArrayHeader(3);
            writer.Write(11);
            writer.Write(2);
            writer.Write(true);
        }),
        Of("command-ack/trailing", new CommandAck(2, true, "x"), Trailing),

        .. Enum.GetValues<CloseReason>().Select(reason => Of($"goodbye/{reason.Name()}", new Goodbye(reason, "", 0))),
        Of("goodbye/retry", new Goodbye(CloseReason.ShuttingDown, "back soon", 2500)),
        Of("goodbye/str16-detail", new Goodbye(CloseReason.InternalError, new string('d', Limits.DetailChars), int.MaxValue)),
        Of("goodbye/unknown-reason", new Goodbye((CloseReason)200, "", 0)),
        Of("goodbye/code-only", new Goodbye(CloseReason.Replaced, "", 0), static (ref writer) =>
        {
            writer.WriteArrayHeader(2);
            writer.Write(12);
            writer.Write(3);
        }),
        Of("goodbye/trailing", new Goodbye(CloseReason.Leaving, "", 0), Trailing),

        Of("error/unknown-message", new Error(ErrorCode.UnknownMessage, 77, "", "message 77 is unknown")),
        Of("error/invalid-field", new Error(ErrorCode.InvalidField, 5, "temp_c", "must be a whole number")),
        Of("error/out-of-order", new Error(ErrorCode.OutOfOrder, 5, "", "register first")),
        Of("error/trailing", new Error(ErrorCode.OutOfOrder, -1, "", ""), Trailing),
    ];

    public static TheoryData<string> Names => [.. All.Select(vector => vector.Name)];

    public static GoldenVector Named(string name) => All.Single(vector => vector.Name == name);

    /// <summary>The file's contents as this list would have it.</summary>
    public static JsonArray ToJson() => [.. All.Select(JsonNode (vector) => new JsonObject
    {
        ["name"] = vector.Name,
        ["number"] = (int)vector.Number,
        ["hex"] = Convert.ToHexStringLower(vector.Body),
        ["canonical"] = vector.Canonical,
        ["fields"] = GoldenFields.Of(vector.Message),
    })];

    private delegate void Writing(ref MessagePackWriter writer);

    private static GoldenVector Of<T>(string name, T message, Func<byte[], byte[]>? change = null)
        where T : struct, IMessage<T>
    {
        byte[] body = Frame.Encode(message).ToArray();
        return new GoldenVector(name, T.Number, change?.Invoke(body) ?? body, message, change is null);
    }

    private static GoldenVector Of<T>(string name, T message, Writing write)
        where T : struct, IMessage<T>
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        write(ref writer);
        writer.Flush();
        return new GoldenVector(name, T.Number, buffer.WrittenSpan.ToArray(), message, Canonical: false);
    }

    /// <summary>What a newer version might append: a number, nil, a text, an array, a map, bytes, an extension.</summary>
    private static byte[] Trailing(byte[] body)
    {
        byte[] more = Convert.FromHexString("2a" + "c0" + "a3616263" + "9201c3" + "81a16b01" + "c4020102" + "d40155");
        // Every message is a fixarray; with seven elements more it may have to be an array16.
        int count = (body[0] & 0x0f) + 7;
        byte[] header = count < 16 ? [(byte)(0x90 | count)] : [0xdc, 0, (byte)count];
        return [.. header, .. body[1..], .. more];
    }
}
