using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: whatever body comes, it is refused with the field at fault, or within its limits.</summary>
[Collection<Alone>]
public sealed class BodyFuzzTests
{
    private static long Inputs => Effort.Of(12_000L, 1_000_000L);

    [Fact]
    public void Registration_that_is_spoilt_is_refused_or_within_its_limits() =>
        Attack("registrations", JsonCorpus.Registrations, HubJson.Default.RegisterRequest, request =>
            request.ToProfile(out (string, string)? fault) is { } profile ? profile.FindProblem() : fault ?? ("", "neither accepted nor refused"));

    [Fact]
    public void Update_that_is_spoilt_is_refused_or_within_its_limits() =>
        Attack("updates", JsonCorpus.Updates, HubJson.Default.UpdateRequest, StatusReport.FindProblem);

    [Fact]
    public void Report_that_is_spoilt_is_refused_or_within_its_limits() =>
        Attack("reports", JsonCorpus.Reports, HubJson.Default.FeedbackRequest, FeedbackEndpoint.FindProblem);

    [Fact]
    public void Match_that_is_spoilt_is_refused_or_within_its_limits() =>
        Attack("matches", JsonCorpus.Matches, HubJson.Default.MatchRequest, FindProblem, MatchRequestReader.TryRead);

    [Fact]
    public void Batch_that_is_spoilt_is_refused_or_within_its_limits() =>
        Attack("batches", JsonCorpus.Batches, HubJson.Default.BatchRequest, FindProblem, MatchRequestReader.TryReadBatch);

    private static (string, string)? FindProblem(MatchRequest request)
    {
        _ = MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out (string, string)? fault);
        Assert.True(query is null != fault is null);
        if (query is not null)
        {
            Assert.InRange(query.TopK, 1, Limits.MaxTopK);
            Assert.InRange(query.HoldMs, 0, Limits.MaxHoldMs);
            Assert.InRange(query.MaxPriceE8 ?? 0, 0, TokenPrice.Max.E8);
            Assert.InRange(query.MinVramGb ?? 0, 0, (float)Limits.MaxGpuVramGb);
            Assert.True(Texts.IsPrintable(query.JobId) && query.JobId.Length is > 0 and <= Limits.JobIdChars);
        }
        return fault;
    }

    private static (string, string)? FindProblem(BatchRequest batch) =>
        batch.Requests is not { Length: > 0 and <= Limits.MaxBatch } requests ? ("requests", "must be some")
        : requests.Any(request => request is null) ? ("requests", "must be match requests")
        : requests.Select(request => FindProblem(request!)).FirstOrDefault(fault => fault is not null);

    private static void Attack<T>(
        string name, Specimen[] corpus, JsonTypeInfo<T> type, Func<T, (string, string)?> findProblem, Func<ReadOnlySequence<byte>, T?>? quick = null)
        where T : class =>
        Campaign.Run(name, Inputs, corpus, JsonCorpus.Tokens, () => new Body<T>(type, findProblem, quick));

    private sealed class Body<T>(JsonTypeInfo<T> type, Func<T, (string, string)?> findProblem, Func<ReadOnlySequence<byte>, T?>? quick) : FuzzTarget
        where T : class
    {
        private (string? Field, string Detail) _fault;
        private T? _quickly;

        public override object? Take(ReadOnlyMemory<byte> input)
        {
            var utf8 = new ReadOnlySequence<byte>(input);
            _quickly = quick?.Invoke(utf8);
            T? body = Bodies.Parse(utf8, type, out _fault);
            return body is not null && findProblem(body) is null ? body : null;
        }

        public override void Check(ReadOnlySpan<byte> input, object? accepted)
        {
            if (_quickly is not null)
            {
                // The quick reader reads what the serializer reads, and refuses nothing by itself.
                Assert.Equal(JsonSerializer.Serialize(Bodies.Parse(new ReadOnlySequence<byte>(input.ToArray()), type, out _)!, type), JsonSerializer.Serialize(_quickly, type));
            }
            if (accepted is T body)
            {
                // Matches are judged as queries.
                Assert.True(accepted is MatchRequest or BatchRequest || Accepted.IsWithinLimits(accepted), "beyond its limits");
                string written = JsonSerializer.Serialize(body, type);
                Assert.Equal(written, JsonSerializer.Serialize(JsonSerializer.Deserialize(written, type)!, type));
            }
            Assert.False(string.IsNullOrEmpty(_fault.Detail));
        }

        // An exception says where it was thrown.
        public override long CapBytes(int length) => 65_536 + (64L * length);

        public override void Dispose()
        {
        }
    }
}
