using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>It reads what the serializer reads, or leaves it to the serializer.</summary>
public sealed class MatchRequestReaderTests
{
    private const string Usual = """
        {"job_id":"j","requirements":{"task":"t","min_vram_gb":8,"min_ram_gb":0.5,"accel":["cuda"],"tags_any":["a","b"],"capabilities_any":[]},
         "hints":{"region":"eu","max_price":0.8,"deadline_ms":5000},"top_k":3,"weights":"cheapest","exclude":["m-1","m-2"],
         "spread_by":"owner","explain":"full","hold_ms":1000}
        """;

    /// <summary>Parts of requests, right and wrong, of which the generator makes bodies.</summary>
    private static readonly string[] s_values =
    [
        "null", "true", "0", "-1", "3", "3.0", "1e2", "0.8", "1e999", "2147483648", "\"\"", "\"eu\"", "\"caf\\u00e9\"", "\"\\ud800\"",
        "\"a\\nb\"", "[]", "[\"a\"]", "[\"a\",\"b\"]", "[null]", "[1]", "[\"a\"", "{}", "{\"region\":\"eu\"}", "{\"task\":\"t\",\"accel\":[\"x\"]}",
        "{\"max_price\":1000000001}", "{\"max_price\":0.123456789}", "{\"other\":1}", "{\"region\":{}}", "{\"region\":\"eu\"", "/**/1", "",
    ];

    private static readonly string[] s_names =
    [
        "job_id", "requirements", "hints", "top_k", "weights", "exclude", "spread_by", "explain", "hold_ms", "task", "region", "job\\u005fid",
        "Job_Id", "",
    ];

    [Fact]
    public void Usual_request_is_read_without_the_serializer()
    {
        MatchRequest? request = MatchRequestReader.TryRead(Sequence(Usual));
        Assert.NotNull(request);
        AssertSame(Usual);
    }

    [Fact]
    public void Body_reads_as_the_serializer_reads_it_or_is_left_to_it() =>
        Gen.Select(Pick(s_names), Pick(s_values)).Array[0, 4].Select(Pick("}", "} ", "}}", "},", "", "} x"))
            .Sample((fields, end) =>
                AssertSame("{" + string.Join(",", fields.Select(field => $"\"{field.Item1}\":{field.Item2}")) + end));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("[]")]
    [InlineData("{\"job_id\":\"j\"")]
    public void What_is_no_object_is_left_to_the_serializer(string body) => Assert.Null(MatchRequestReader.TryRead(Sequence(body)));

    [Fact]
    public void Text_that_is_no_UTF8_is_left_to_the_serializer() =>
        Assert.Null(MatchRequestReader.TryRead(new ReadOnlySequence<byte>([.. "{\"job_id\":\""u8, 0xFF, .. "\"}"u8])));

    [Fact]
    public void Body_in_pieces_reads_alike_wherever_it_is_cut()
    {
        byte[] body = Encoding.UTF8.GetBytes(Usual);
        string whole = Json(MatchRequestReader.TryRead(new ReadOnlySequence<byte>(body)));
        for (int cut = 1; cut < body.Length; cut++)
        {
            MatchRequest? request = MatchRequestReader.TryRead(Pieces.Of(body[..cut], body[cut..]));
            Assert.Equal(whole, Json(request));
        }
    }

    [Fact]
    public void Usual_batch_is_read_without_the_serializer_and_an_unusual_one_is_left_to_it()
    {
        BatchRequest? batch = MatchRequestReader.TryReadBatch(Sequence($"{{\"requests\": [{Usual},{{\"job_id\":\"k\"}}] }}"));
        Assert.Equal([Json(Bodies.Parse(Sequence(Usual), HubJson.Default.MatchRequest, out _)), Json(new MatchRequest { JobId = "k" })],
            batch!.Requests!.Select(Json));
        Assert.Empty(MatchRequestReader.TryReadBatch(Sequence("{\"requests\":[]}"))!.Requests!);
        Assert.Null(MatchRequestReader.TryReadBatch(Sequence("{}"))!.Requests);
        foreach (string body in (string[])["{\"requests\":[null]}", "{\"requests\":[{}", "{\"requests\":{}}", "{\"other\":[]}", "[]", ""])
        {
            Assert.Null(MatchRequestReader.TryReadBatch(Sequence(body)));
        }
    }

    private static Gen<string> Pick(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static void AssertSame(string body)
    {
        if (MatchRequestReader.TryRead(Sequence(body)) is { } quick)
        {
            MatchRequest? slow = Bodies.Parse(Sequence(body), HubJson.Default.MatchRequest, out _);
            Assert.Equal(Json(slow), Json(quick));
        }
    }

    private static string Json(MatchRequest? request) => JsonSerializer.Serialize(request, HubJson.Default.Options);

    private static ReadOnlySequence<byte> Sequence(string body) => new(Encoding.UTF8.GetBytes(body));
}
