using CsCheck;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>Every message within its limits is read as it was written.</summary>
public sealed class MessageRoundTripTests
{
    private static readonly Gen<long> s_count = Gen.OneOf(Gen.Long[0, long.MaxValue], Gen.Long[0, 300]);
    private static readonly Gen<int> s_seconds = Gen.OneOf(Gen.Int[1, 300], Gen.Int[1, int.MaxValue]);
    private static readonly Gen<TokenPrice> s_price = Gen.Long[0, TokenPrice.Max.E8].Select(e8 => new TokenPrice(e8));
    private static readonly Gen<string> s_minerId = Gen.String[Gen.Char["abcXYZ019._:-"], 1, Limits.MinerIdChars];
    private static readonly Gen<string> s_slug = Gen.String[Gen.Char["abcxyz019._+-"], 1, 16];

    private static readonly Gen<MinerProfile> s_profile =
        from addr in Gen.String[Gen.Char["abc019.:/[]"], 1, Limits.AddrChars]
        from proto in s_slug
        from gpu in Text(Limits.GpuNameChars)
        from numbers in Gen.Select(Gen.Double[0, Limits.MaxGpuVramGb], Gen.Double[0, Limits.MaxRamGb])
        from whole in Gen.Select(Gen.Int[0, Limits.MaxCpuCores], Gen.Int[1, Limits.MaxParallel])
        from price in s_price
        from region in Gen.OneOf(Gen.Const(""), s_slug)
        from owner in Gen.OneOf(Gen.Const(""), Text(Limits.OwnerChars))
        from lists in Gen.Select(Texts(Limits.MaxAccel), Texts(Limits.MaxTags), Texts(40))
        select new MinerProfile
        {
            Addr = addr,
            Proto = proto,
            GpuName = gpu,
            GpuVramGb = numbers.Item1,
            RamGb = numbers.Item2,
            CpuCores = whole.Item1,
            MaxParallel = whole.Item2,
            Price = price,
            Region = region,
            Owner = owner,
            Accel = lists.Item1,
            Tags = lists.Item2,
            Capabilities = lists.Item3,
        };

    [Fact]
    public void Hello_is_read_as_written() => RoundTrips(
        from version in Gen.Int[0, ushort.MaxValue]
        from features in Texts(Limits.MaxFeatures)
        from id in s_minerId
        from resumes in Gen.Bool
        from secret in Text(Limits.ApiKeyChars)
        select new Hello(version, features, id, resumes ? null : secret, resumes ? secret : null));

    [Fact]
    public void Welcome_is_read_as_written() => RoundTrips(
        from features in Texts(Limits.MaxFeatures)
        from token in Text(Limits.SessionTokenChars)
        from epoch in s_count
        from times in Gen.Select(s_seconds, s_seconds)
        from resumed in Gen.Bool
        select new Welcome(1, features, token, epoch, times.Item1, times.Item2, resumed));

    [Fact]
    public void Register_is_read_as_written() => RoundTrips(s_profile.Select(profile => new Register(profile)));

    [Fact]
    public void Registered_is_read_as_written() => RoundTrips(Gen.Select(s_seconds, s_seconds, (a, b) => new Registered(a, b)));

    [Fact]
    public void Heartbeat_is_read_as_written() => RoundTrips(
        from counts in Gen.Select(s_count, s_count)
        from queue in Gen.Int[0, Limits.MaxQueueLen]
        from latency in Gen.Int[0, Limits.MaxLatencyMs].Nullable()
        from temperature in Gen.Int[Limits.MinTempC, Limits.MaxTempC].Nullable()
        from free in Gen.Double[0, Limits.MaxRamGb].Nullable()
        select new Heartbeat(counts.Item1, counts.Item2, queue, latency, temperature, free));

    [Fact]
    public void HeartbeatAck_is_read_as_written() => RoundTrips(Gen.Select(s_count, s_seconds, (a, b) => new HeartbeatAck(a, b)));

    [Fact]
    public void Update_is_read_as_written() => RoundTrips(
        from queue in Gen.Int[0, Limits.MaxQueueLen]
        from busy in Gen.Bool
        from jobs in Texts(Limits.MaxCurrentJobs / 8)
        from price in s_price.Nullable()
        select new Update(queue, busy, jobs, price));

    [Fact]
    public void Ping_and_pong_are_read_as_written()
    {
        RoundTrips(Gen.Long.Select(nonce => new Ping(nonce)));
        RoundTrips(Gen.Long.Select(nonce => new Pong(nonce)));
    }

    [Fact]
    public void Command_is_read_as_written() => RoundTrips(
        from id in s_count
        from kind in Gen.Int[1, 4].Select(number => (CommandKind)number)
        from price in s_price
        from tags in Texts(Limits.MaxTags)
        from drains in Gen.Bool
        from addr in Text(Limits.AddrChars)
        from delay in Gen.Int[0, int.MaxValue]
        select kind switch
        {
            CommandKind.SetPriceCap => new Command(id, kind, Price: price),
            CommandKind.UpdateTags => new Command(id, kind, Tags: tags),
            CommandKind.Drain => new Command(id, kind, On: drains),
            _ => new Command(id, kind, Addr: addr, DelayMs: delay),
        });

    [Fact]
    public void CommandAck_is_read_as_written() =>
        RoundTrips(Gen.Select(s_count, Gen.Bool, Text(Limits.DetailChars), (id, accepted, detail) => new CommandAck(id, accepted, detail)));

    [Fact]
    public void Goodbye_is_read_as_written() => RoundTrips(Gen.Select(
        Gen.Byte, Text(Limits.DetailChars), Gen.Int[0, int.MaxValue], (code, detail, retry) => new Goodbye((CloseReason)code, detail, retry)));

    [Fact]
    public void Error_is_read_as_written() => RoundTrips(Gen.Select(
        Gen.Int[0, ushort.MaxValue], Gen.Int, Text(Limits.TermChars), Text(Limits.DetailChars),
        (code, number, field, detail) => new Error((ErrorCode)code, number, field, detail)));

    private static Gen<string> Text(int maxChars) => Gen.String[Gen.Char["abc 019-_/é日\u00a0\u2192"], 1, maxChars];

    private static Gen<string[]> Texts(int maxCount) => Text(40).Array[0, maxCount];

    private static void RoundTrips<T>(Gen<T> messages)
        where T : struct, IMessage<T> => messages.Sample(
            message =>
            {
                byte[] body = Frame.Encode(message).ToArray();
                (object? read, string? field, string? problem) = AnyMessage.Read(body);
                Assert.True(problem is null, $"{field} {problem}");
                // Arrays within compare by identity, so both are compared by their parts.
                Assert.Equivalent(message, Assert.IsType<T>(read), strict: true);
                Assert.Equal(body, AnyMessage.Write(read!));
            },
            iter: 500);
}
