using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: nobody gets a session without the key or the token, and no message of a live miner breaks the hub.</summary>
[Collection<Alone>]
public sealed class HandshakeFuzzTests
{
    /// <summary>Its key stands in the golden vectors.</summary>
    private const string Keyed = "miner-1";

    /// <summary>Nobody has its key; its token stays good.</summary>
    private const string Resumed = "miner-2";

    private const long Epoch = 7;
    private static readonly byte[] s_lostKey = [.. Enumerable.Repeat((byte)5, SHA256.HashSizeInBytes)];
    private const int CapPerConnection = 32_768;

    /// <summary>A bitset in the index, for each term that nobody had before.</summary>
    private const int CapPerRegistration = (1 + Limits.MaxAccel + Limits.MaxTags + Limits.MaxCapabilities) * 768;

    [Fact]
    public void Hello_that_is_spoilt_gives_no_session_without_key_or_token() => Campaign.Run(
        "handshakes", Effort.Of(60_000L, 2_000_000L), Greetings(), WireCorpus.Tokens, () => new Greeting(NewHub()));

    [Fact]
    public void Bytes_that_are_spoilt_give_no_session_without_key_or_token() => Campaign.Run(
        "frames", Effort.Of(20_000L, 500_000L), [.. Greetings().Select(WireCorpus.Framed), .. Streams()],
        [.. WireCorpus.Tokens, .. Prefixes()], () => new Bytes(NewHub()));

    [Fact]
    public void Message_of_a_live_miner_that_is_spoilt_is_answered_and_breaks_nothing() => Campaign.Run(
        "live messages", Effort.Of(60_000L, 2_000_000L), WireCorpus.Messages, WireCorpus.Tokens, () => new Live(NewHub(), text: false));

    [Fact]
    public void Text_of_a_live_miner_that_is_spoilt_is_answered_and_breaks_nothing() => Campaign.Run(
        "live texts", Effort.Of(20_000L, 1_000_000L), JsonCorpus.Texts, JsonCorpus.Tokens, () => new Live(NewHub(), text: true));

    private static HubParts NewHub()
    {
        var hub = new HubParts(new RegistryOptions(FlapLimitPerMin: 0), new ForgetfulStore(), openEnrollment: false);
        hub.Logs.Least = LogLevel.Error;
        StoredMiner[] miners =
        [
            Stored(Keyed, new StoredKeys(SHA256.HashData(Encoding.UTF8.GetBytes(GoldenVectors.Key)))),
            Stored(Resumed, new StoredKeys(s_lostKey)),
        ];
        hub.Keys.Load(miners);
        hub.Registry.Load(miners);
        return hub;

        StoredMiner Stored(string id, StoredKeys keys) =>
            new(id, GoldenVectors.Profile, Epoch, Epoch, keys, TrustState.None, null, hub.Time.GetUtcNow(), hub.Time.GetUtcNow());
    }

    private static string TokenOf(SessionTokens tokens, long epoch) =>
        tokens.Create(new TokenClaims(Resumed, epoch, tokens.GenerationOf(s_lostKey)));

    private static Specimen[] Greetings()
    {
        string token = TokenOf(new SessionTokens(new byte[32], new HandClock()), Epoch);
        string stale = TokenOf(new SessionTokens(new byte[32], new HandClock()), Epoch - 1);
        string forged = TokenOf(new SessionTokens([.. Enumerable.Repeat((byte)1, 32)], new HandClock()), Epoch);
        string rotated = new SessionTokens(new byte[32], new HandClock()).Create(new TokenClaims(Resumed, Epoch, Generation: 1));
        Hello[] hellos =
        [
            new(1, [], Keyed, GoldenVectors.Key, null), new(1, [], Keyed, MinerKey.Create(), null), new(1, [], "stranger", GoldenVectors.Key, null),
            new(1, [], Resumed, null, token), new(1, [], Keyed, null, token), new(1, [], Resumed, null, stale), new(1, [], Resumed, null, forged), new(1, [], Resumed, null, rotated),
            new(1, [], Resumed, GoldenVectors.Key, null), new(1, [], Resumed, "", null), new(2, [], Keyed, GoldenVectors.Key, null),
        ];
        return [.. WireCorpus.Messages, .. hellos.Select(hello => WireCorpus.Of(Frame.Encode(hello).ToArray()))];
    }

    /// <summary>Whole conversations of a miner.</summary>
    private static IEnumerable<Specimen> Streams()
    {
        Specimen[] frames =
        [
            .. ((MessageNumber[])[MessageNumber.Hello, MessageNumber.Register, MessageNumber.Heartbeat, MessageNumber.Pong, MessageNumber.Update])
                .Select(number => WireCorpus.Framed(WireCorpus.Of(GoldenVectors.All.First(v => v.Number == number).Body))),
        ];
        for (int count = 2; count <= frames.Length; count++)
        {
            List<int> cuts = [];
            int at = 0;
            foreach (Specimen frame in frames.Take(count))
            {
                cuts.AddRange(frame.Cuts.Select(cut => at + cut));
                at += frame.Bytes.Length;
            }
            yield return new Specimen([.. frames.Take(count).SelectMany(frame => frame.Bytes)], [.. cuts]);
        }
    }

    private static IEnumerable<byte[]> Prefixes() =>
        new[] { "00000000", "00000001", "0000ffff", "00010000", "00010001", "7fffffff", "80000000", "ffffffff", "0001" }.Select(Convert.FromHexString);

    /// <summary>Whether this hello may have a session, judged by what is known here.</summary>
    private static bool MayEnter(ReadOnlySpan<byte> body) =>
        AnyMessage.Read(body).Message is Hello { Version: 1 } hello
        && (hello is { MinerId: Keyed, ApiKey: GoldenVectors.Key }
            || (hello is { MinerId: Resumed, SessionToken: { } token }
                && token == TokenOf(new SessionTokens(new byte[32], new HandClock()), Epoch)));

    /// <summary>Its store is in memory: there is nothing to wait for.</summary>
    private static void Done(ValueTask taken)
    {
        Assert.True(taken.IsCompleted, "it waits");
        taken.GetAwaiter().GetResult();
    }

    private sealed class Greeting(HubParts hub) : FuzzTarget
    {
        private readonly Pipe _answers = new();

        public override object? Take(ReadOnlyMemory<byte> input)
        {
            Conversation conversation = hub.Conversations.Open(Transport.Tcp, _answers.Writer, completes: false, static () => { });
            Done(conversation.TakeAsync(input.Span));
            Session? session = conversation.Channel.Session;
            Assert.True(session is not null || conversation.Channel.Closing, "neither let in nor sent away");
            hub.Conversations.Close(conversation, "");
            return session;
        }

        public override void Check(ReadOnlySpan<byte> input, object? accepted)
        {
            Assert.True(_answers.Reader.TryRead(out ReadResult read) || accepted is null);
            _answers.Reader.AdvanceTo(read.Buffer.End);
            Assert.True(MayEnter(input) == accepted is not null, accepted is null ? "sent away with its key" : "let in");
        }

        public override long CapBytes(int length) => CapPerConnection + (48L * length);

        public override void Dispose() => hub.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private sealed class Bytes(HubParts first) : FuzzTarget
    {
        private HubParts _hub = first;
        private readonly Dice _dice = new(Effort.Seed);
        private PipeMiner? _miner;

        public override object? Take(ReadOnlyMemory<byte> input)
        {
            _miner = _hub.Connect();
            // In up to three pieces, wherever they break.
            int first = _dice.Below(input.Length + 1), second = first + _dice.Below(input.Length - first + 1);
            foreach (ReadOnlyMemory<byte> piece in (ReadOnlySpan<ReadOnlyMemory<byte>>)[input[..first], input[first..second], input[second..]])
            {
                if (!piece.IsEmpty && !_miner.Served.IsCompleted)
                {
                    _miner.SendRaw(piece.Span);
                }
            }
            byte[] answers = _miner.Take();
            _miner.BreakAsync().GetAwaiter().GetResult();
            return answers.Length > Frame.PrefixBytes + 1 && answers[Frame.PrefixBytes + 1] == (byte)MessageNumber.Welcome ? answers : null;
        }

        public override void Check(ReadOnlySpan<byte> input, object? accepted)
        {
            var rest = new ReadOnlySequence<byte>(input.ToArray());
            bool may = Frame.TryRead(ref rest, out ReadOnlySequence<byte> body) == FrameStatus.Done && MayEnter(body.ToArray());
            Assert.True(may == accepted is not null, accepted is null ? "sent away with its key" : "let in");
            if (_hub.Registry.Find(Resumed)!.Epoch != Epoch)
            {
                // It said goodbye, after which its token is worth nothing.
                Dispose();
                _hub = NewHub();
            }
        }

        public override long CapBytes(int length) => (2 * CapPerConnection) + (48L * length);

        public override void Dispose() => _hub.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private sealed class Live : FuzzTarget
    {
        private readonly HubParts _hub;
        private readonly bool _text;
        private readonly Pipe _answers;
        private Conversation _conversation;

        public Live(HubParts hub, bool text)
        {
            (_hub, _text, _answers) = (hub, text, new Pipe());
            _conversation = Enrol();
        }

        public override object? Take(ReadOnlyMemory<byte> input)
        {
            Done(_text ? _conversation.TakeTextAsync(new ReadOnlySequence<byte>(input)) : _conversation.TakeAsync(input.Span));
            _conversation.Acknowledge();
            return _conversation.Channel.Closing ? null : _conversation;
        }

        public override void Check(ReadOnlySpan<byte> input, object? accepted)
        {
            _ = _answers.Reader.TryRead(out ReadResult read);
            ReadOnlySequence<byte> answers = read.Buffer;
            bool refused = accepted is null;
            while (Frame.TryRead(ref answers, out ReadOnlySequence<byte> body) == FrameStatus.Done)
            {
                // What it was enrolled with is binary.
                if (_text && body.FirstSpan[0] == (byte)'{')
                {
                    refused |= JsonDocument.Parse(body).RootElement.GetProperty("type").ValueEquals("error");
                }
                else if (!_text)
                {
                    Assert.Null(AnyMessage.Read(body.ToArray()).Problem);
                }
            }
            Assert.True(
                refused || !_text || (TextForm.Read(new ReadOnlySequence<byte>(input.ToArray()), out _) is { } text && Accepted.IsWithinLimits(text)),
                "taken beyond its limits");
            Assert.Equal(0, answers.Length);
            _answers.Reader.AdvanceTo(read.Buffer.End);
            if (accepted is null)
            {
                _hub.Conversations.Close(_conversation, "");
                _conversation = Enrol();
            }
        }

        public override long CapBytes(int length) => CapPerConnection + CapPerRegistration + (64L * length);

        public override void Dispose() => _hub.DisposeAsync().AsTask().GetAwaiter().GetResult();

        private Conversation Enrol()
        {
            // Slots of the index that miners left rest for a time before others get them.
            _hub.Time.Advance(TimeSpan.FromMinutes(1));
            Conversation conversation = _hub.Conversations.Open(Transport.WebSocket, _answers.Writer, completes: false, static () => { });
            Done(conversation.TakeAsync(Frame.Encode(new Hello(1, [], Keyed, GoldenVectors.Key, null))));
            Done(conversation.TakeAsync(Frame.Encode(new Register(GoldenVectors.Profile))));
            Assert.True(conversation.Channel.Live);
            return conversation;
        }
    }
}
