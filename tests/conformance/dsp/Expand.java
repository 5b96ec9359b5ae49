import com.apicatalog.jsonld.JsonLd;
import com.apicatalog.jsonld.JsonLdError;
import com.apicatalog.jsonld.JsonLdErrorCode;
import com.apicatalog.jsonld.JsonLdOptions;
import com.apicatalog.jsonld.document.Document;
import com.apicatalog.jsonld.document.JsonDocument;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Expands JSON-LD messages with the official contexts that lie in the kit's jars.
 *
 * Standard input: a message on each line. Standard output: its expanded form on each line.
 */
public class Expand {

  private static final String SPACE = "https://w3id.org/dspace/2025/1/";

  private static final Map<String, String> CONTEXTS =
      Map.of(
          SPACE + "context.jsonld", "dsp-2025-1.jsonld",
          SPACE + "odrl-profile.jsonld", "dsp-2025-1-odrl-profile.jsonld");

  public static void main(String[] arguments) throws Exception {
    var options = new JsonLdOptions();
    options.setDocumentLoader((url, ignored) -> bundled(url));
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      var message = JsonDocument.of(new StringReader(line));
      System.out.println(JsonLd.expand(message).options(options).get());
    }
  }

  private static Document bundled(URI url) throws JsonLdError {
    var name = CONTEXTS.get(url.toString());
    if (name == null) {
      throw new JsonLdError(JsonLdErrorCode.LOADING_REMOTE_CONTEXT_FAILED, url.toString());
    }
    return JsonDocument.of(Expand.class.getClassLoader().getResourceAsStream(name));
  }
}
